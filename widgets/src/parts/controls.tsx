// What a person can do to one task, and how the latest change of the plan is taken back.

import type { Snapshot, Task } from "../snapshot";
import { TIERS } from "../states";
import type { View } from "../view";
import { line } from "../words";
import { Cross } from "./question";

export function Controls({ view, snapshot, task }: { view: View; snapshot: Snapshot; task: Task }) {
  if (view.fixed || snapshot.run.status !== "running" || snapshot.run.cancelled_by !== "") return null;
  const waits = task.status === "blocked" || task.status === "ready";
  const failed = task.status === "failed";
  const again = (failed || task.status === "cancelled") && task.launched;
  const higher = TIERS[TIERS.indexOf(task.tier) + 1];
  if (!waits && !again && !failed && task.status !== "running") return null;
  return (
    <div class="controls">
      {again && <Act view={view} task={task} kind="retry" word="Retry" />}
      {again && higher !== undefined && (
        <Act view={view} task={task} kind="retry" word={`Retry on ${higher.toUpperCase()}`} more={{ tier: higher }} />
      )}
      {waits && <TierChoice view={view} task={task} />}
      {task.status !== "cancelled" && <Act view={view} task={task} kind="skip" word="Skip" hint={SKIP} />}
      {task.status !== "cancelled" && <Act view={view} task={task} kind="cancel_task" word="Cancel task" danger />}
      {waits && <Blockers view={view} snapshot={snapshot} task={task} />}
    </div>
  );
}

const SKIP = "Take it out of the plan: what waits for it goes on";

interface ActProps {
  view: View;
  task: Task;
  kind: "retry" | "skip" | "cancel_task";
  word: string;
  hint?: string;
  danger?: boolean;
  more?: Readonly<Record<string, unknown>>;
}

function Act({ view, task, kind, word, hint, danger = false, more = {} }: ActProps) {
  const name = `${kind} ${task.id} ${word}`;
  const busy = view.acting.value.has(name);
  return (
    <button
      type="button"
      class={danger ? "danger" : undefined}
      data-act={kind}
      disabled={busy}
      title={hint}
      onClick={() => void view.act(name, kind, { task: task.id, ...more })}
    >
      {busy ? `${word}…` : word}
    </button>
  );
}

function TierChoice({ view, task }: { view: View; task: Task }) {
  const name = `tier ${task.id}`;
  return (
    <label class="choice">
      Tier
      <select
        data-act="tier"
        value={task.tier}
        disabled={view.acting.value.has(name)}
        onChange={(event) => void view.act(name, "tier", { task: task.id, tier: event.currentTarget.value })}
      >
        {TIERS.map((tier) => (
          <option key={tier} value={tier}>
            {tier.toUpperCase()}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What the task waits for, each to be taken away; and one more to be chosen. */
function Blockers({ view, snapshot, task }: { view: View; snapshot: Snapshot; task: Task }) {
  const name = `blockers ${task.id}`;
  const busy = view.acting.value.has(name);
  const others = snapshot.order.filter((id) => id !== task.id && !task.blocked_by.includes(id));
  return (
    <fieldset class="blockers" aria-label={`What task ${task.id} waits for`}>
      {task.blocked_by.map((id) => (
        <span key={id} class="blocker">
          <button type="button" class="link" onClick={() => view.inspect(id)}>
            #{id}
          </button>
          <button
            type="button"
            class="icon"
            data-act="free"
            aria-label={`Do not wait for ${id}`}
            disabled={busy}
            onClick={() => void view.act(name, "free", { task: task.id, blocker: id })}
          >
            <Cross />
          </button>
        </span>
      ))}
      <label class="choice">
        <span class="aloud">Wait for one more</span>
        <select
          data-act="wait"
          value=""
          disabled={busy || others.length === 0}
          onChange={(event) => {
            const blocker = event.currentTarget.value;
            event.currentTarget.value = "";
            if (blocker !== "") void view.act(name, "wait", { task: task.id, blocker });
          }}
        >
          <option value="">Wait for…</option>
          {others.map((id) => (
            <option key={id} value={id}>
              #{id} {line(snapshot.tasks[id]?.subject ?? "", 60)}
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}

/** The latest edit that can be taken back. */
export function Undo({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const edit = snapshot.edits.at(-1);
  if (edit === undefined || snapshot.run.status !== "running") return null;
  const name = `undo ${edit.seq}`;
  return (
    <button
      type="button"
      class="undo"
      data-act="undo"
      disabled={view.acting.value.has(name)}
      title={`#${edit.task}: ${line(edit.text)}`}
      onClick={() => void view.act(name, "undo", { edit: edit.seq })}
    >
      Undo{" "}
      <span class="of">
        #{edit.task}: {line(edit.text, 60)}
      </span>
    </button>
  );
}

/** What the kernel refused, over the board so that nothing moves under a pointer; it stays until the next command. */
export function Trouble({ view }: { view: View }) {
  const said = view.trouble.value;
  if (said === "") return null;
  return (
    <div class="trouble" role="alert">
      <span>{line(said, 600)}</span>
      <button type="button" class="icon" aria-label="Close the message" onClick={() => (view.trouble.value = "")}>
        <Cross />
      </button>
    </div>
  );
}
