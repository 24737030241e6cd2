// The floor: one card for each desk, always at its place, with what the worker there does now.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Snapshot, Worker } from "../snapshot";
import type { View } from "../view";
import { line, tokens } from "../words";
import { Glyph } from "./glyph";
import { Span } from "./span";
import { Tier } from "./tier";

const ROW = 30;
const SPARE = 6;
/** Above this many desks each is one row, and only the rows in sight are in the page. */
const MOST_CARDS = 12;

export function Floor({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const list = useRef<HTMLUListElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const workers = Object.values(snapshot.workers);
  const busy = workers.filter((worker) => worker.outcome === null).length;
  const last = new Map<number, Worker>();
  for (const worker of workers) {
    last.set(worker.desk, worker);
  }
  const desks = Math.max(snapshot.run.workers, ...last.keys());
  const dense = desks > MOST_CARDS;
  const first = dense ? Math.max(0, Math.floor(top.value / ROW) - SPARE) : 0;
  const end = dense ? Math.min(desks, first + Math.ceil(height.value / ROW) + 2 * SPARE) : desks;
  useEffect(() => {
    const area = list.current;
    if (area === null) return;
    const observer = new ResizeObserver(() => {
      height.value = area.clientHeight;
    });
    observer.observe(area);
    return () => observer.disconnect();
  }, [height]);
  return (
    <section class="floor" data-dense={dense} aria-label="Floor">
      <h3>
        Floor <span class="of">{busy > 0 ? `${busy} working` : "nobody works now"}</span>
      </h3>
      {/* With nobody at work there is no button in it, and the keyboard scrolls the list itself. */}
      <ul
        ref={list}
        tabIndex={busy > 0 ? undefined : 0}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      >
        <li aria-hidden="true" style={{ height: `${first * ROW}px` }} />
        {Array.from({ length: Math.max(0, end - first) }, (_, index) => {
          const desk = first + index + 1;
          const worker = last.get(desk);
          const key = `desk ${desk}`;
          return worker !== undefined && worker.outcome === null ? (
            <Desk key={key} view={view} snapshot={snapshot} worker={worker} />
          ) : (
            <FreeDesk key={key} desk={desk} last={worker} snapshot={snapshot} />
          );
        })}
        <li aria-hidden="true" style={{ height: `${(desks - end) * ROW}px` }} />
      </ul>
    </section>
  );
}

function Desk({ view, snapshot, worker }: { view: View; snapshot: Snapshot; worker: Worker }) {
  const task = snapshot.tasks[worker.task];
  const state = task?.shown === "asking" ? "asking" : "running";
  // What was streamed is recorded nowhere, so the past is silent.
  const said = view.replaying ? "" : (view.store.lines.value[worker.id] ?? "");
  return (
    <li class="desk" data-selected={view.selected.value === worker.task}>
      <button type="button" onClick={() => view.inspect(worker.task)}>
        <span class="where">
          <Glyph state={state} />
          <span>{worker.desk}</span>
        </span>
        <span class="what">
          <span class="first">
            <Tier tier={worker.tier} />
            <span class="id">#{worker.task}</span>
            <span class="subject">{line(task?.subject ?? "", 120)}</span>
            <Span of={view} from={worker.started} to={null} expected={worker.expected} />
          </span>
          <span class="tool">
            {worker.waits !== "" ? (
              <span class="of">{line(worker.waits, 160)}</span>
            ) : worker.stalled !== "" ? (
              <span class="alert">No progress: {line(worker.stalled, 80)}</span>
            ) : worker.tool === null ? (
              <span class="of">Thinking</span>
            ) : (
              <>
                <b>{line(worker.tool.name, 40)}</b> {line(worker.tool.argument, 120)}
              </>
            )}
          </span>
          <span class="last">
            <span class="said">{line(said, 160)}</span>
            <span class="of">{worker.tokens > 0 ? tokens(worker.tokens) : ""}</span>
          </span>
          {worker.expected > 0 && <Progress view={view} worker={worker} />}
        </span>
      </button>
    </li>
  );
}

function Progress({ view, worker }: { view: View; worker: Worker }) {
  const share = (view.now() - worker.started) / worker.expected;
  return (
    <span class="bar" data-late={share > 1}>
      <i style={{ width: `${Math.min(100, share * 100).toFixed(1)}%` }} />
    </span>
  );
}

function FreeDesk({ desk, last, snapshot }: { desk: number; last: Worker | undefined; snapshot: Snapshot }) {
  return (
    <li class="desk free">
      <span class="where">
        <span>{desk}</span>
      </span>
      <span class="what">
        <span class="of">Free</span>
        {last !== undefined && (
          <span class="last">
            <Glyph
              state={last.outcome === "completed" ? "completed" : last.outcome === "cancelled" ? "cancelled" : "failed"}
            />
            <span class="said">
              Last: #{last.task} {line(snapshot.tasks[last.task]?.subject ?? "", 120)}
            </span>
          </span>
        )}
      </span>
    </li>
  );
}
