// A time that goes on: the only part of a row that is drawn anew while nothing happens.

import { clock } from "../words";

interface Props {
  /** Whoever knows the moment that is looked at, in epoch seconds. */
  of: { now(): number };
  from: number | null;
  to: number | null;
  expected?: number;
}

/** `0:42`, or `0:42 / 1:00` where a time is expected; the expected time turns amber once it has passed. */
export function Span({ of, from, to, expected = 0 }: Props) {
  if (from === null) return <span class="time">–</span>;
  const seconds = (to ?? of.now()) - from;
  return (
    <span class="time" data-late={expected > 0 && to === null && seconds > expected}>
      {clock(seconds)}
      {expected > 0 && <span class="of"> / {clock(expected)}</span>}
    </span>
  );
}
