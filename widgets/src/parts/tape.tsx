// The tape: what just happened, newest first; and the one place that tells a screen reader.

import type { Snapshot } from "../snapshot";
import { clock, count, line, WORDS } from "../words";
import { Glyph } from "./glyph";

export function Tape({ snapshot }: { snapshot: Snapshot }) {
  const entries = [...snapshot.tape].reverse();
  return (
    <div class="tape" aria-hidden="true">
      {entries.map((entry) => (
        <span key={entry.seq}>
          <time>{clock(entry.at - snapshot.run.started)}</time>
          <Glyph state={entry.mark} />
          {entry.task !== "" && <b>#{entry.task}</b>}
          <span>
            {line(
              [snapshot.tasks[entry.task]?.subject ?? "", entry.text].filter((text) => text !== "").join(": "),
              120,
            )}
          </span>
        </span>
      ))}
      {entries.length === 0 && (
        <span class="of">{snapshot.plan === null ? "Nothing has happened yet." : "The plan is ready."}</span>
      )}
    </div>
  );
}

/** Says aloud, politely, what a person should not miss: questions, failures, finished phases, the end. */
export function Announcer({ snapshot }: { snapshot: Snapshot }) {
  const loud = snapshot.tape.filter((entry) => entry.mark === "failed" || entry.mark === "asking" || entry.task === "");
  const latest = loud[loud.length - 1];
  let text = latest === undefined ? "" : line(`${latest.task ? `Task ${latest.task} ` : ""}${latest.text}`, 240);
  if (snapshot.plan !== null) {
    text = `The plan is ready: ${count(snapshot.order.length - snapshot.counts.cancelled, "task")}.`;
  } else if (snapshot.run.status !== "running") {
    text = `The run is over: ${snapshot.counts.completed} of ${snapshot.order.length - snapshot.counts.cancelled} tasks ${WORDS.completed.toLowerCase()}.`;
  }
  return (
    <p class="aloud" role="status" aria-live="polite">
      {text}
    </p>
  );
}
