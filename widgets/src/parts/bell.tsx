// The closing bell: what came of the run, once it is over.

import type { Snapshot } from "../snapshot";
import { clock, line, money, tokens, WORDS } from "../words";
import { Copy } from "./inspector";
import { Markdown } from "./markdown";

const WORD: Readonly<Record<Snapshot["run"]["status"], string>> = {
  running: "",
  completed: "Everything is done",
  partial: "Done in part",
  failed: "The run failed",
  cancelled: "The run was cancelled",
  planned: "The plan is ready",
  interrupted: "The run was interrupted",
};

export function Bell({ snapshot }: { snapshot: Snapshot }) {
  const { run, counts, workers, parallel, spend } = snapshot;
  const others = (["failed", "skipped", "cancelled"] as const).filter((state) => counts[state] > 0);
  const total = snapshot.order.length - counts.cancelled;
  const work = Object.values(workers).reduce((sum, worker) => sum + (worker.ended ?? snapshot.now) - worker.started, 0);
  const saved = parallel > 0 ? work - work / parallel : 0;
  return (
    <section class="bell" aria-label="Closing bell">
      <h3>
        Closing bell <span class="of">{WORD[run.status]}</span>
      </h3>
      <dl>
        <dt>Tasks done</dt>
        <dd>
          {counts.completed} of {total}
          {others.map((state) => (
            <span key={state} class="of">
              , {counts[state]} {WORDS[state].toLowerCase()}
            </span>
          ))}
        </dd>
        <dt>Wall time</dt>
        <dd>{clock(snapshot.now - run.started)}</dd>
        <dt>One at a time</dt>
        <dd>{clock(work)} of worker time</dd>
        <dt>Saved in parallel</dt>
        <dd>{clock(saved)}</dd>
        <dt>Spend</dt>
        <dd>
          {money(spend.usd)}, {tokens(spend.tokens, spend.estimated)} tokens
        </dd>
      </dl>
      {run.reason !== "" && <p class="hold">{line(run.reason, 600)}</p>}
      {run.answer !== "" && (
        <div class="answer">
          <h4>
            Answer <Copy text={run.answer} />
          </h4>
          <Markdown text={run.answer} />
        </div>
      )}
    </section>
  );
}
