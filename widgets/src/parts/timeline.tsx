// The run along time: a row for each desk, and the scrubber that leads through its past.

import { useSignal } from "@preact/signals";
import { type Bar, elapsed, lanes, paintTimeline, SIDE, stateOf } from "../graph/timeline";
import { SPEEDS } from "../replay";
import type { Snapshot } from "../snapshot";
import type { View } from "../view";
import { clock, count, line, WORDS } from "../words";
import { useCanvas, useRedraw } from "./canvas";

const TIP = 250;
const THUMB = 12;

export function Timeline({ view, dark }: { view: View; dark: boolean }) {
  // The whole run, also while its past is looked at.
  const snapshot = view.store.snapshot.value;
  if (snapshot === null) return null;
  return (
    <section class="timeline" aria-label="Timeline">
      <Player view={view} snapshot={snapshot} />
      <Lanes view={view} snapshot={snapshot} dark={dark} />
    </section>
  );
}

/** Plays the run again, faster or slower, or record by record. */
function Player({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { replay } = view;
  const playing = replay.playing.value;
  const over = snapshot.run.status !== "running";
  const start = snapshot.run.started;
  const end = view.store.now();
  const none = start === 0;
  return (
    <div class="player">
      <button
        type="button"
        data-act={playing ? "stop" : "play"}
        disabled={none}
        onClick={() => (playing ? replay.pause() : replay.play())}
      >
        {playing ? "Pause" : "Replay"}
      </button>
      <button type="button" class="icon" aria-label="One event back" disabled={none} onClick={() => replay.step(-1)}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M12 3L5 8l7 5M4 3v10" />
        </svg>
      </button>
      <button type="button" class="icon" aria-label="One event on" disabled={none} onClick={() => replay.step(1)}>
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path d="M4 3l7 5-7 5M12 3v10" />
        </svg>
      </button>
      <select
        aria-label="Speed"
        value={String(replay.speed.value)}
        onChange={(event) => (replay.speed.value = Number(event.currentTarget.value))}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={String(speed)}>
            {speed}×
          </option>
        ))}
      </select>
      <span class="time">{none ? "0:00" : `${clock(view.now() - start)} of ${clock(end - start)}`}</span>
      {view.replaying && (
        <button type="button" class="back" data-act="live" onClick={() => view.live()}>
          {over ? "Exit replay" : "Back to live"}
        </button>
      )}
    </div>
  );
}

function Lanes({ view, snapshot, dark }: { view: View; snapshot: Snapshot; dark: boolean }) {
  const hovered = useSignal<{ bar: Bar; x: number } | null>(null);
  const start = snapshot.run.started;
  const looked = () => ({
    task: hovered.peek()?.bar.worker.task ?? view.selected.peek(),
    second: view.replay.at.peek() === null ? null : view.now() - start,
  });
  const { host, canvas, probe, place, redraw } = useCanvas(dark, (context, palette, size) => {
    const now = view.store.now();
    paintTimeline(context, snapshot, now, lanes(snapshot, now, size.width, size.height), palette, size, looked());
  });
  useRedraw(
    redraw,
    () => void [hovered.value, view.selected.value, view.store.now(), view.replay.at.value, view.now()],
  );
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
  const said = `Timeline: ${count(attempts, "attempt")} in ${clock(elapsed(snapshot, view.store.now()))}, ${count(milestones, "milestone")}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same tasks are opened by keyboard in the plan and in the table
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div
      ref={host}
      class="lanes"
      onPointerMove={(event) => (hovered.value = at(event))}
      onPointerLeave={() => (hovered.value = null)}
      onClick={(event) => {
        const hit = at(event);
        if (hit !== null) view.inspect(hit.bar.worker.task);
      }}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={said}
        style={{ width: `${place.value.width}px`, height: `${place.value.height}px` }}
      />
      <span ref={probe} hidden />
      {start > 0 && <Scrubber view={view} snapshot={snapshot} />}
      {hovered.value !== null && <Tip snapshot={snapshot} hit={hovered.value} width={place.value.width} />}
    </div>
  );
}

/** The handle on the axis. Its keys: arrows, Page Up and Down, Home, End for the present, Space, `m`, `,` and `.`. */
function Scrubber({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { replay } = view;
  const start = snapshot.run.started;
  const length = Math.max(1, view.store.now() - start);
  const second = (replay.at.value ?? view.now()) - start;
  const keys = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const small = Math.max(0.25, length / 400);
    const move = { ArrowLeft: -small, ArrowDown: -small, ArrowRight: small, ArrowUp: small };
    const leap = { PageDown: -length / 10, PageUp: length / 10 };
    const by = { ...move, ...leap }[event.key];
    if (by !== undefined) replay.go((replay.at.peek() ?? view.now()) + by);
    else if (event.key === "Home") replay.go(start);
    else if (event.key === "End") view.live();
    else if (event.key === "m") replay.nextMilestone();
    else if (event.key === "," || event.key === ".") replay.step(event.key === "," ? -1 : 1);
    else if (event.key === " ") {
      if (replay.playing.peek()) replay.pause();
      else replay.play();
    } else return;
    event.preventDefault();
  };
  return (
    <input
      type="range"
      class="scrubber"
      style={{ left: `${SIDE - THUMB / 2}px`, right: `${SIDE - THUMB / 2}px` }}
      min={0}
      max={length}
      step="any"
      value={second}
      aria-label="Moment of the run"
      aria-valuetext={`${clock(second)} of ${clock(length)}`}
      onInput={(event) => {
        replay.pause();
        replay.go(start + Number(event.currentTarget.value));
      }}
      onKeyDown={keys}
    />
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
