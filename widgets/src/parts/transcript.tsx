// What a worker said and did in one attempt.

import type { Attempt, Row } from "../snapshot";
import { clean, clock, line } from "../words";

interface Props {
  task: string;
  attempt: Attempt | undefined;
  start: number;
}

export function Transcript({ task, attempt, start }: Props) {
  if (attempt === undefined) return <p class="of">No worker has begun.</p>;
  return (
    <>
      {attempt.earlier > 0 && (
        <p class="of">
          {attempt.earlier} earlier entries. The whole transcript is result["{task}"].transcript.
        </p>
      )}
      <ol class="log">
        {attempt.transcript.map((row, index) => (
          <Entry key={attempt.earlier + index} row={row} start={start} />
        ))}
      </ol>
      {attempt.error !== "" && <p class="fault">{clean(attempt.error, 2_000)}</p>}
    </>
  );
}

function Entry({ row, start }: { row: Row; start: number }) {
  const text = clean(row.text ?? "");
  return (
    <li data-kind={row.kind} data-error={row.error === true || row.kind === "refused"}>
      <time>{clock(row.at - start)}</time>
      <div>
        {row.kind === "call" && <Call row={row} />}
        {row.kind === "result" && <pre>{text === "" ? "(nothing)" : text}</pre>}
        {row.kind === "refused" && (
          <p>
            <b>{line(row.name ?? "", 60)}</b> was refused: {text}
          </p>
        )}
        {row.kind === "told" && <p class="of">Told: {text}</p>}
        {row.kind === "thought" && <p class="of">{text}</p>}
        {row.kind === "said" && <p>{text}</p>}
      </div>
    </li>
  );
}

/** A call on one line, and all that it was given where that is more. */
function Call({ row }: { row: Row }) {
  const brief = line(row.argument ?? "", 200);
  const whole = clean(row.arguments ?? "");
  const head = (
    <>
      <b>{line(row.name ?? "", 60)}</b> {brief}
    </>
  );
  const more = whole.length > brief.length + 16 || whole.includes("\n");
  if (!more) return <p>{head}</p>;
  return (
    <details>
      <summary>{head}</summary>
      <pre>{whole}</pre>
    </details>
  );
}
