// The floor: one card for each desk, always at its place, with what the worker there does now.

import type { Snapshot, Worker } from "../snapshot";
import type { View } from "../view";
import { line, tokens } from "../words";
import { Glyph } from "./glyph";
import { Span } from "./span";
import { Tier } from "./tier";

export function Floor({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const workers = Object.values(snapshot.workers);
  const busy = workers.filter((worker) => worker.outcome === null).length;
  const last = new Map<number, Worker>();
  for (const worker of workers) {
    last.set(worker.desk, worker);
  }
  const desks = Math.max(snapshot.run.workers, ...last.keys());
  return (
    <section class="floor" data-dense={desks > 12} aria-label="Floor">
      <h3>
        Floor <span class="of">{busy > 0 ? `${busy} working` : "nobody works now"}</span>
      </h3>
      <ul>
        {Array.from({ length: desks }, (_, index) => {
          const worker = last.get(index + 1);
          const key = `desk ${index + 1}`;
          return worker !== undefined && worker.outcome === null ? (
            <Desk key={key} view={view} snapshot={snapshot} worker={worker} />
          ) : (
            <FreeDesk key={key} desk={index + 1} last={worker} snapshot={snapshot} />
          );
        })}
      </ul>
    </section>
  );
}

function Desk({ view, snapshot, worker }: { view: View; snapshot: Snapshot; worker: Worker }) {
  const task = snapshot.tasks[worker.task];
  const state = task?.shown === "asking" ? "asking" : "running";
  const said = view.store.lines.value[worker.id] ?? "";
  const expected = Math.max(1, worker.expected);
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
            <Span store={view.store} from={worker.started} to={null} expected={worker.expected} />
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
          <Progress view={view} worker={worker} expected={expected} />
        </span>
      </button>
    </li>
  );
}

function Progress({ view, worker, expected }: { view: View; worker: Worker; expected: number }) {
  const share = (view.store.now() - worker.started) / expected;
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
