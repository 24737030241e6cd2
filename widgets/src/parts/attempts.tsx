// The attempts at a task, each to be looked at: there is a choice, or something went wrong.

import { outcome } from "../record";
import type { Attempt } from "../snapshot";
import type { View } from "../view";
import { line, tokens } from "../words";
import { Span } from "./span";
import { Tier } from "./tier";

interface Props {
  view: View;
  attempts: readonly Attempt[];
  chosen: Attempt | undefined;
  /** What the task failed for, which stands above already. */
  error: string;
  choose: (worker: string) => void;
}

export function Attempts({ view, attempts, chosen, error, choose }: Props) {
  const [only] = attempts;
  const well = attempts.length === 1 && (only?.outcome === null || only?.outcome === "completed");
  if (attempts.length === 0 || well) return null;
  return (
    <ol class="attempts" aria-label="Attempts">
      {attempts.map((attempt) => (
        <li key={attempt.id}>
          <button
            type="button"
            data-attempt={attempt.attempt}
            aria-pressed={attempt === chosen}
            title={`${attempt.model}. ${line(attempt.error)}`}
            onClick={() => choose(attempt.id)}
          >
            <span>
              {attempt.attempt} <Tier tier={attempt.tier} /> <b>{outcome(attempt)}</b>
            </span>
            <span class="of">
              desk {attempt.desk}, <Span of={view} from={attempt.started} to={attempt.ended} />,{" "}
              {tokens(attempt.tokens)} tokens
            </span>
            {attempt.attempt > 1 && attempt.reason !== "" && <span class="why">{line(attempt.reason)}</span>}
            {attempt.error !== "" && attempt.error !== error && <span class="why">{line(attempt.error)}</span>}
          </button>
        </li>
      ))}
    </ol>
  );
}
