// The tasks as a table. Rows stay where they are, in the order of creation; only those in sight are in the page.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Snapshot, Task } from "../snapshot";
import { STATES, type State } from "../states";
import type { View } from "../view";
import { line, money, tokens, WORDS } from "../words";
import { Drafting } from "./drafting";
import { Glyph } from "./glyph";
import { Span } from "./span";
import { Tier } from "./tier";

const ROW = 32;
const SPARE = 6;

/** The counts of all states: the legend, and the filter. */
export function Chips({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  return (
    <fieldset class="chips" aria-label="Show only">
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          class="chip"
          data-zero={snapshot.counts[state] === 0}
          aria-pressed={view.filter.value === state}
          data-chip={state}
          title={WORDS[state]}
          onClick={() => (view.filter.value = view.filter.value === state ? null : state)}
        >
          <Glyph state={state} />
          <span class="word">{WORDS[state]}</span> <b>{snapshot.counts[state]}</b>
        </button>
      ))}
    </fieldset>
  );
}

export function Tasks({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const body = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const active = useSignal(0);
  const ids = view.listed.value;
  const height = body.current?.clientHeight || 520;
  const first = Math.max(0, Math.floor(top.value / ROW) - SPARE);
  const shown = ids.slice(first, first + Math.ceil(height / ROW) + 2 * SPARE);

  useSignalEffect(() => {
    const at = view.selected.value === null ? -1 : view.listed.peek().indexOf(view.selected.value);
    if (at >= 0) {
      active.value = at;
      reveal(body.current, at);
    }
  });
  const move = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const ends: Readonly<Record<string, number>> = { Home: 0, End: ids.length - 1 };
    const to = ends[event.key] ?? active.value + (steps[event.key] ?? 0);
    if (!(event.key in steps) && !(event.key in ends)) return;
    event.preventDefault();
    active.value = Math.min(ids.length - 1, Math.max(0, to));
    reveal(body.current, active.value);
    const id = ids[active.value];
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-task="${id}"]`)?.focus());
  };
  return (
    <div class="table" role="table" aria-label="Tasks" aria-rowcount={ids.length + 1}>
      <div role="row" class="row head" aria-rowindex={1}>
        <span role="columnheader">State</span>
        <span role="columnheader">Task</span>
        <span role="columnheader">Title</span>
        <span role="columnheader" class="waits">
          Waits for
        </span>
        <span role="columnheader" class="tiers">
          Model
        </span>
        <span role="columnheader" class="when">
          When
        </span>
        <span role="columnheader" class="num">
          Time
        </span>
        <span role="columnheader" class="num used">
          Tokens
        </span>
        <span role="columnheader" class="num cost">
          Spend
        </span>
      </div>
      <div
        class="rows"
        role="rowgroup"
        ref={body}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
        onKeyDown={move}
      >
        <div role="presentation" style={{ height: `${ids.length * ROW}px` }}>
          {shown.map((id, offset) => {
            const task = snapshot.tasks[id];
            if (task === undefined) return null;
            const index = first + offset;
            return (
              <Line key={id} view={view} snapshot={snapshot} task={task} index={index} here={index === active.value} />
            );
          })}
        </div>
        {ids.length === 0 && <Nothing filter={view.filter.value} snapshot={snapshot} />}
      </div>
    </div>
  );
}

interface LineProps {
  view: View;
  snapshot: Snapshot;
  task: Task;
  index: number;
  here: boolean;
}

function Line({ view, snapshot, task, index, here }: LineProps) {
  const worker = task.worker === null ? undefined : snapshot.workers[task.worker];
  const over = task.started === null ? null : (task.ended ?? (worker?.outcome ? worker.ended : null));
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard's way is the button in the row; this widens it for a pointer
    <div
      role="row"
      class="row"
      aria-rowindex={index + 2}
      aria-selected={view.selected.value === task.id}
      style={{ top: `${index * ROW}px` }}
      onClick={() => view.inspect(task.id)}
    >
      <span role="cell" class="state" data-state={task.shown}>
        <Glyph state={task.shown} />
        <span class="word">{WORDS[task.shown]}</span>
      </span>
      <span role="cell" class="id">
        #{task.id}
      </span>
      <span role="cell" class="subject">
        <button type="button" data-task={task.id} tabIndex={here ? 0 : -1} title={line(task.subject)}>
          {line(task.subject, 200)}
        </button>
        {task.attempts > 1 && <span class="note">attempt {task.attempts}</span>}
        {task.error !== "" && (
          <span class="note error" title={line(task.error, 1_000)}>
            {line(task.error, 160)}
          </span>
        )}
      </span>
      <span role="cell" class="waits" title={task.waits_for.map((id) => `#${id}`).join(" ")}>
        {task.waits_for.map((id) => `#${id}`).join(" ")}
      </span>
      <span role="cell" class="tiers">
        <Tier tier={task.tier} />
      </span>
      <span role="cell" class="when">
        <When view={view} snapshot={snapshot} task={task} />
      </span>
      <span role="cell" class="num">
        <Span of={view} from={task.started} to={over} />
      </span>
      <span role="cell" class="num used">
        {task.tokens > 0 ? tokens(task.tokens) : ""}
      </span>
      <span role="cell" class="num cost">
        {task.tokens > 0 ? money(task.usd) : ""}
      </span>
    </div>
  );
}

/** When each attempt at the task ran, on the time line of the whole run. */
function When({ view, snapshot, task }: { view: View; snapshot: Snapshot; task: Task }) {
  const start = snapshot.run.started;
  const now = view.now();
  const part = (seconds: number) => `${(100 * seconds) / Math.max(1, now - start)}%`;
  const attempts =
    task.started === null ? [] : Object.values(snapshot.workers).filter((worker) => worker.task === task.id);
  return (
    <>
      {attempts.map((worker) => (
        <i
          key={worker.id}
          data-state={worker.outcome === null ? task.shown : worker.outcome in WORDS ? worker.outcome : "failed"}
          style={{ left: part(worker.started - start), width: part((worker.ended ?? now) - worker.started) }}
        />
      ))}
    </>
  );
}

function Nothing({ filter, snapshot }: { filter: State | null; snapshot: Snapshot }) {
  if (filter === null) return <Drafting snapshot={snapshot} />;
  return <p class="empty">No task is {WORDS[filter].toLowerCase()} now.</p>;
}

/** Scroll the row into sight, if it is not. */
function reveal(body: HTMLElement | null, index: number): void {
  if (body === null) return;
  const above = index * ROW;
  if (above < body.scrollTop) body.scrollTop = above;
  if (above + ROW > body.scrollTop + body.clientHeight) body.scrollTop = above + ROW - body.clientHeight;
}
