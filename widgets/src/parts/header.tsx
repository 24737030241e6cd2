// The head of the board: what the run is for, who plays, how it stands, and the way to stop it.

import { useSignal } from "@preact/signals";
import type { Snapshot } from "../snapshot";
import type { Store } from "../store";
import type { View } from "../view";
import { clock, count, line, money, provider, tokens, warnings } from "../words";
import { Undo } from "./controls";

export function Header({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { run } = snapshot;
  const pill = pillOf(view, snapshot);
  const alerts = warnings(snapshot);
  const facts = [
    provider(run.provider),
    run.mode && `mode ${run.mode}`,
    run.isolation && (run.isolation === "none" ? "no walls" : `walls: ${line(run.isolation, 40)}`),
  ].filter((fact) => fact !== "");
  return (
    <div class="top">
      <div class="title">
        <span class="pill" data-look={pill.look}>
          {pill.word}
        </span>
        <h2 title={line(run.goal, 2_000)}>{line(run.goal, 400) || "Opening the floor"}</h2>
        <Undo view={view} snapshot={snapshot} />
        <Cancel view={view} snapshot={snapshot} />
      </div>
      <p class="facts" title={line([...facts, run.provider_note, ...alerts].filter((text) => text).join(" · "), 2_000)}>
        {run.provider === "rehearsal" ? <strong>{facts[0]}</strong> : facts[0]}
        {facts.slice(1).map((fact) => ` · ${fact}`)}
        {pill.hint !== "" && <span class="alert">{pill.hint}</span>}
        {alerts.map((alert) => (
          <span class="alert" key={alert}>
            {alert}
          </span>
        ))}
      </p>
    </div>
  );
}

interface Pill {
  readonly word: string;
  readonly look: "live" | "quiet" | "amber" | "closed";
  readonly hint: string;
}

const ENDS: Readonly<Record<Snapshot["run"]["status"], string>> = {
  running: "Live",
  completed: "Closed",
  partial: "Closed, partly done",
  failed: "Closed, failed",
  cancelled: "Closed, cancelled",
  planned: "Planned",
  interrupted: "Interrupted",
};

function pillOf(view: View, snapshot: Snapshot): Pill {
  const { run } = snapshot;
  if (view.link.busy.value) {
    const hint = "The kernel has not answered yet. To stop at once, interrupt the kernel.";
    return { word: "Kernel busy", look: "amber", hint };
  }
  if (run.status !== "running") {
    return { word: ENDS[run.status], look: run.status === "completed" ? "closed" : "quiet", hint: "" };
  }
  if (!view.store.alive.value) return { word: "Connecting", look: "quiet", hint: "" };
  if (run.cancelled_by || run.cap) return { word: "Stopping", look: "amber", hint: "" };
  return { word: snapshot.order.length > 0 ? "Live" : "Drafting the plan", look: "live", hint: "" };
}

/** Two presses to stop a run; the second is where the first was not, so that a double click does not do it. */
function Cancel({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const sure = useSignal(false);
  const pressed = useSignal(false);
  const { run, counts } = snapshot;
  if (run.status !== "running" || run.started === 0) return null;
  if (pressed.value || run.cancelled_by) {
    return (
      <button type="button" disabled>
        Cancelling…
      </button>
    );
  }
  if (!sure.value) {
    return (
      <button type="button" class="danger" data-act="cancel" onClick={() => (sure.value = true)}>
        Cancel run
      </button>
    );
  }
  const running = counts.running + counts.asking;
  const cancel = () => {
    pressed.value = true;
    void view.cancel().then(() => {
      pressed.value = view.trouble.value === "";
    });
  };
  return (
    <span class="sure">
      <span>{running > 0 ? `Cancel ${count(running, "running task")}?` : "Cancel the run?"}</span>
      <button type="button" class="danger" data-act="cancel-sure" onClick={cancel}>
        Cancel run
      </button>
      <button type="button" data-act="keep" onClick={() => (sure.value = false)}>
        Keep going
      </button>
    </span>
  );
}

export function Quotes({ store, snapshot }: { store: Store; snapshot: Snapshot }) {
  const { run, spend, conductor, workers } = snapshot;
  const busy = Object.values(workers).filter((worker) => worker.outcome === null).length;
  const share = conductor.window > 0 ? conductor.context_tokens / conductor.window : 0;
  const used = spend.budget ? spend.committed / spend.budget : 0;
  const about = spend.estimated
    ? "Tokens are estimated."
    : `${spend.tokens} tokens in ${count(spend.requests, "request")}`;
  return (
    <dl class="quotes">
      <Quote name="Elapsed">
        <Elapsed store={store} from={run.started} />
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
      <Quote name="Conductor context" title={`${conductor.context_tokens} of ${conductor.window} tokens`}>
        <span class="gauge">
          <i style={{ width: `${Math.min(100, share * 100)}%` }} data-level={share > 0.78 ? "high" : "fine"} />
        </span>
        {Math.round(share * 100)}%
      </Quote>
    </dl>
  );
}

function spendTitle({ spend, run }: Snapshot): string {
  const list = `At list price: ${money(spend.list_usd)}`;
  if (run.provider === "rehearsal") return `The stand-in costs nothing. ${list}`;
  return `Spent or reserved: ${money(spend.committed)}. ${list}`;
}

function Elapsed({ store, from }: { store: Store; from: number }) {
  return <>{from > 0 ? clock(store.now() - from) : "0:00"}</>;
}

function Quote({ name, title = "", children }: { name: string; title?: string; children: preact.ComponentChildren }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Rail({ snapshot }: { snapshot: Snapshot }) {
  const current = snapshot.phases.find((phase) => phase.done < phase.total)?.name;
  if (snapshot.phases.length === 0) return null;
  return (
    <ol class="rail" aria-label="Phases">
      {snapshot.phases.map((phase) => (
        <li
          key={phase.name}
          data-done={phase.done === phase.total}
          data-failed={phase.failed > 0}
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
