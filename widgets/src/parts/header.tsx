// The head of the board: what the run is for, who plays, how it stands, and the way to stop it.

import { useSignal } from "@preact/signals";
import type { Snapshot } from "../snapshot";
import type { View } from "../view";
import { clock, count, line, provider, warnings } from "../words";
import { Undo } from "./controls";
import { waiting } from "./question";

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
        {!view.fixed && (
          <>
            <Undo view={view} snapshot={snapshot} />
            <Pause view={view} snapshot={snapshot} />
            <Cancel view={view} snapshot={snapshot} />
          </>
        )}
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
  const asks = waiting(view.store.snapshot.value).length > 0;
  const late = view.gone || view.link.busy.value ? "The kernel has not answered yet." : "";
  const missed = late || (asks && (view.replaying || view.still) ? "A question waits for an answer." : "");
  if (view.replaying) return { word: `Replay ${clock(view.now() - run.started)}`, look: "amber", hint: missed };
  if (view.still) return { word: "View paused", look: "amber", hint: missed || "The run goes on." };
  if (view.gone) {
    const silence = `Nothing was heard from the kernel for ${clock(view.store.silence())}.`;
    const hint = run.status === "running" ? `${silence} If it is gone, %conduct resume ${run.id} goes on.` : silence;
    return { word: "Kernel gone", look: "quiet", hint };
  }
  if (view.store.recorded.value && run.status === "running") {
    return { word: "Recorded so far", look: "quiet", hint: "The run goes on where it was started." };
  }
  if (run.status !== "running") {
    // A run that is over stays so, also where its kernel is busy with another cell or has been shut down.
    const hint = view.link.busy.value ? "The kernel has not answered yet." : "";
    return { word: ENDS[run.status], look: run.status === "completed" ? "closed" : "quiet", hint };
  }
  if (view.link.busy.value) {
    const hint = "The kernel has not answered yet. To stop at once, interrupt the kernel.";
    return { word: "Kernel busy", look: "amber", hint };
  }
  if (!view.store.alive.value) return { word: "Connecting", look: "quiet", hint: "" };
  if (run.cancelled_by || run.cap) return { word: "Stopping", look: "amber", hint: "" };
  return {
    word: snapshot.order.length > 0 ? "Live" : "Drafting the plan",
    look: "live",
    hint: pauseOf(view, snapshot),
  };
}

/** How long all requests still wait for the provider; empty where they do not. */
function pauseOf(view: View, { paused }: Snapshot): string {
  const left = paused === null ? 0 : paused.until - view.now();
  return paused !== null && left > 0
    ? `The run waits for the provider, ${clock(left)} more (${line(paused.reason)}).`
    : "";
}

/** Lets the picture stand still, for whoever wants to read it in peace. */
function Pause({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  if (snapshot.run.status !== "running" && !view.still) return null;
  return (
    <button type="button" class="pause" data-act="pause" aria-pressed={view.still} onClick={() => view.pause()}>
      {view.still ? "Resume view" : "Pause view"}
    </button>
  );
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
