// The run along time: a row for each desk.

import { useSignal } from "@preact/signals";
import { type Bar, lanes, paintTimeline, stateOf } from "../graph/timeline";
import type { Snapshot } from "../snapshot";
import type { View } from "../view";
import { clock, count, line, WORDS } from "../words";
import { useCanvas, useRedraw } from "./canvas";

const TIP = 250;

export function Timeline({ view, snapshot, dark }: { view: View; snapshot: Snapshot; dark: boolean }) {
  const hovered = useSignal<{ bar: Bar; x: number } | null>(null);
  const chosen = () => hovered.peek()?.bar.worker.task ?? view.selected.peek();
  const { host, canvas, probe, place, redraw } = useCanvas(dark, (context, palette, size) => {
    const now = view.store.now();
    paintTimeline(context, snapshot, now, lanes(snapshot, now, size.width, size.height), palette, size, chosen());
  });
  useRedraw(redraw, () => void [hovered.value, view.selected.value, view.store.now()]);
  const at = (event: MouseEvent) => {
    const bounds = host.current?.getBoundingClientRect();
    if (bounds === undefined) return null;
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const found = lanes(snapshot, view.store.now(), place.value.width, place.value.height);
    const bar = found.crowded
      ? undefined
      : found.bars.find((one) => x >= one.x && x <= one.x + one.w && y >= one.y && y <= one.y + one.h);
    return bar === undefined ? null : { bar, x };
  };
  const attempts = Object.keys(snapshot.workers).length;
  const milestones = snapshot.marks.filter((mark) => mark.kind === "milestone").length;
  const said = `Timeline: ${count(attempts, "attempt")} in ${clock(view.store.now() - snapshot.run.started)}, ${count(milestones, "milestone")}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same tasks are opened by keyboard in the plan and in the table
    <div
      ref={host}
      class="timeline"
      role="img"
      aria-label={said}
      onPointerMove={(event) => (hovered.value = at(event))}
      onPointerLeave={() => (hovered.value = null)}
      onClick={(event) => {
        const hit = at(event);
        if (hit !== null) view.inspect(hit.bar.worker.task);
      }}
    >
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas takes no focus */}
      <canvas
        ref={canvas}
        aria-hidden="true"
        style={{ width: `${place.value.width}px`, height: `${place.value.height}px` }}
      />
      <span ref={probe} hidden />
      {hovered.value !== null && <Tip snapshot={snapshot} hit={hovered.value} width={place.value.width} />}
    </div>
  );
}

function Tip({ snapshot, hit, width }: { snapshot: Snapshot; hit: { bar: Bar; x: number }; width: number }) {
  const { worker } = hit.bar;
  const start = worker.started - snapshot.run.started;
  const end = worker.ended === null ? "now" : clock(worker.ended - snapshot.run.started);
  return (
    <div
      class="tip"
      aria-hidden="true"
      style={{ left: `${Math.max(4, Math.min(hit.x, width - TIP - 8))}px`, bottom: "100%" }}
    >
      <p>
        <b>
          #{worker.task} {line(snapshot.tasks[worker.task]?.subject ?? "", 120)}
        </b>
      </p>
      <p class="of">
        {WORDS[stateOf(snapshot, worker)]} · desk {worker.desk} · {clock(start)} to {end}
        {worker.attempt > 1 && ` · attempt ${worker.attempt}`}
      </p>
      {worker.waits !== "" && <p>{line(worker.waits, 160)}</p>}
      {worker.error !== "" && <p class="error">{line(worker.error, 200)}</p>}
    </div>
  );
}
