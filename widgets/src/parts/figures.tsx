// How the run stands, in figures: its phases, and six numbers.

import { elapsed } from "../graph/timeline";
import type { Snapshot } from "../snapshot";
import type { View } from "../view";
import { clock, count, line, money, tokens } from "../words";

/** The share of its window at which the conductor's context is compacted. */
const COMPACTS_AT = 0.78;
const FRESH_SECONDS = 2;
const SPARK = { width: 64, height: 18 };

export function Quotes({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { run, spend, conductor, workers } = snapshot;
  const busy = Object.values(workers).filter((worker) => worker.outcome === null).length;
  const share = conductor.window > 0 ? conductor.context_tokens / conductor.window : 0;
  const used = spend.budget ? spend.committed / spend.budget : 0;
  const about = spend.estimated
    ? "Tokens are estimated."
    : `${spend.tokens} tokens in ${count(spend.requests, "request")}`;
  const compacted = conductor.compactions > 0 ? `, compacted ${count(conductor.compactions, "time")}` : "";
  return (
    <dl class="quotes">
      <Quote name="Elapsed">
        <Elapsed view={view} snapshot={snapshot} />
        {run.timeout !== null && <span class="of"> of {clock(run.timeout)}</span>}
      </Quote>
      <Quote name="Desks busy">
        {busy}
        <span class="of"> of {run.workers}</span>
      </Quote>
      <Quote name="Parallel" title="Worker time over the time in which anyone worked">
        {snapshot.parallel > 0 ? `${snapshot.parallel.toFixed(1)}×` : "–"}
      </Quote>
      <Quote name="Tokens" title={about}>
        {tokens(spend.tokens, spend.estimated)}
      </Quote>
      <Quote name="Spend" title={spendTitle(snapshot)}>
        <span data-level={used > 1 ? "over" : used > 0.8 ? "high" : "fine"}>{money(spend.usd)}</span>
        {spend.budget !== null && <span class="of"> of {money(spend.budget)}</span>}
      </Quote>
      <Quote
        name="Conductor context"
        title={`${conductor.context_tokens} of ${conductor.window} tokens${compacted}. The line is where it is compacted.`}
      >
        <Spark snapshot={snapshot} />
        <span data-level={share > COMPACTS_AT ? "high" : "fine"}>{Math.round(share * 100)}%</span>
      </Quote>
    </dl>
  );
}

function spendTitle({ spend, run }: Snapshot): string {
  const list = spend.usd === null ? "" : `At list price: ${money(spend.list_usd)}`;
  if (run.provider === "rehearsal") return `The stand-in costs nothing. ${list}`;
  return `Spent or reserved: ${money(spend.committed)}. ${list}`;
}

function Elapsed({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { rest } = snapshot;
  const now = view.now();
  const left = rest === null ? null : Math.max(0, rest - Math.max(0, now - snapshot.now));
  return (
    <>
      {clock(elapsed(snapshot, now))}
      {left !== null && <span class="of"> ~{clock(left)} left</span>}
    </>
  );
}

/** The conductor's context after each of its requests, the line at which it is compacted, and where it was. */
function Spark({ snapshot }: { snapshot: Snapshot }) {
  const { contexts, window } = snapshot.conductor;
  const { width, height } = SPARK;
  const first = contexts[0]?.[0] ?? 0;
  const span = Math.max(1, (contexts.at(-1)?.[0] ?? 0) - first);
  const x = (at: number) => (((at - first) / span) * width).toFixed(1);
  const y = (share: number) => (height - 1 - Math.min(1, share) * (height - 2)).toFixed(1);
  const points = contexts.map(([at = 0, tokens = 0]) => `${x(at)},${y(window > 0 ? tokens / window : 0)}`);
  // One request is a line too: it says how full the context is.
  const path = points.length === 1 ? [...points, `${width},${points[0]?.split(",")[1]}`] : points;
  const compacted = snapshot.marks.filter((mark) => mark.kind === "compaction" && mark.at >= first);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <path class="limit" d={`M0 ${y(COMPACTS_AT)}H${width}`} />
      {compacted.map((mark) => (
        <path key={mark.at} class="compacted" d={`M${x(mark.at)} 0V${height}`} />
      ))}
      {path.length > 0 && <polyline points={path.join(" ")} />}
    </svg>
  );
}

function Quote({ name, title = "", children }: { name: string; title?: string; children: preact.ComponentChildren }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The phases, each as far as it has come; one that has just been completed is lit for a moment. */
export function Rail({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const current = snapshot.phases.find((phase) => phase.done < phase.total)?.name;
  if (snapshot.phases.length === 0) return null;
  const fresh = new Set(
    view.replaying || view.still || snapshot.run.status !== "running"
      ? []
      : snapshot.marks
          .filter((mark) => mark.kind === "milestone" && snapshot.now - mark.at < FRESH_SECONDS)
          .map((mark) => mark.text),
  );
  return (
    <ol class="rail" aria-label="Phases">
      {snapshot.phases.map((phase) => (
        <li
          key={phase.name}
          data-done={phase.done === phase.total}
          data-failed={phase.failed > 0}
          data-fresh={fresh.has(phase.name)}
          aria-current={phase.name === current ? "step" : undefined}
          title={`${line(phase.name)}: ${phase.done} of ${phase.total} done`}
        >
          <span class="name">{line(phase.name, 60)}</span>
          <span class="count">
            {phase.done}/{phase.total}
          </span>
          <span class="bar">
            <i style={{ width: `${(100 * phase.done) / phase.total}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}
