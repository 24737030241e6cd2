// Draws who was at which desk when: a row for each desk, or, for very many, how many worked at once.

import type { Snapshot, Worker } from "../snapshot";
import type { State } from "../states";
import { clock } from "../words";
import type { Palette } from "./palette";

export interface Bar {
  readonly worker: Worker;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Lanes {
  /** The desks are too many for a row each. */
  readonly crowded: boolean;
  readonly bars: readonly Bar[];
  readonly desks: number;
  readonly seconds: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The height of the axis with its flags, and the room beside it, in pixels. */
export const AXIS = 34;
export const SIDE = 14;
const LEAST_ROW = 3.5;
const MOST_ROW = 16;
const FUTURE = 0.35;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];

/** Seconds since the run began; none before. */
export function elapsed({ run }: Snapshot, now: number): number {
  return run.started === 0 ? 0 : now - run.started;
}

/** Where each attempt stands. Pure. */
export function lanes(snapshot: Snapshot, now: number, width: number, height: number): Lanes {
  const workers = Object.values(snapshot.workers);
  const desks = Math.max(1, ...workers.map((worker) => worker.desk));
  const seconds = Math.max(1, elapsed(snapshot, now));
  const row = Math.min(MOST_ROW, (height - AXIS - 6) / desks);
  const scale = (width - 2 * SIDE) / seconds;
  const bars = workers.map((worker) => {
    const start = worker.started - snapshot.run.started;
    const end = (worker.ended ?? now) - snapshot.run.started;
    const w = Math.max(1.5, (end - start) * scale - 1);
    return { worker, x: SIDE + start * scale, y: AXIS + (worker.desk - 1) * row, w, h: Math.max(1, row - 1.5) };
  });
  const crowded = row < LEAST_ROW;
  return { crowded, bars, desks, seconds, left: SIDE, top: AXIS, width: width - 2 * SIDE, height: height - AXIS - 6 };
}

/** The state that an attempt's bar shows. */
export function stateOf(snapshot: Snapshot, worker: Worker): State {
  if (worker.outcome === null) return snapshot.tasks[worker.task]?.shown ?? "running";
  if (worker.outcome === "completed" || worker.outcome === "cancelled") return worker.outcome;
  return "failed";
}

/** How many worked at once: [second, number] wherever it changes. */
export function occupancy(snapshot: Snapshot, now: number): readonly (readonly [number, number])[] {
  const changes = Object.values(snapshot.workers).flatMap((worker) => [
    [worker.started - snapshot.run.started, 1] as const,
    [(worker.ended ?? now) - snapshot.run.started, -1] as const,
  ]);
  changes.sort((a, b) => a[0] - b[0]);
  let at = 0;
  return changes.map(([second, change]) => {
    at += change;
    return [second, at] as const;
  });
}

/** Seconds between two marks of the axis, so that their words have room. */
export function step(seconds: number, width: number): number {
  const wanted = (seconds * 70) / Math.max(1, width);
  return STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 3_600) * 3_600;
}

interface Looked {
  /** The task that is looked at. */
  readonly task: string | null;
  /** The moment that is looked at, in seconds after the start; null: the present. */
  readonly second: number | null;
}

/** Draw it; what is after the moment that is looked at only faintly, and without what will become of it. */
export function paintTimeline(
  context: CanvasRenderingContext2D,
  snapshot: Snapshot,
  now: number,
  found: Lanes,
  palette: Palette,
  size: { readonly width: number; readonly height: number; readonly ratio: number },
  looked: Looked,
): void {
  const cut = looked.second === null ? null : found.left + (looked.second / found.seconds) * found.width;
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, size.width, size.height);
  axis(context, found, palette, size.height);
  marks(context, snapshot, found, palette, size.height, cut);
  if (found.crowded) area(context, snapshot, now, found, palette);
  else
    for (const bar of found.bars) {
      const chosen = bar.worker.task === looked.task;
      const state = stateOf(snapshot, bar.worker);
      if (cut === null || bar.x + bar.w <= cut) draw(context, bar, palette, state, chosen);
      else {
        context.globalAlpha = FUTURE;
        draw(context, bar, palette, "blocked", false);
        context.globalAlpha = 1;
        if (bar.x < cut) draw(context, { ...bar, w: Math.max(1.5, cut - bar.x) }, palette, "running", chosen);
      }
    }
  if (cut === null) return;
  if (found.crowded) {
    context.fillStyle = palette.ground;
    context.globalAlpha = 1 - FUTURE;
    context.fillRect(cut, found.top, size.width - cut, found.height);
    context.globalAlpha = 1;
  }
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(cut, 0);
  context.lineTo(cut, size.height);
  context.stroke();
}

function axis(context: CanvasRenderingContext2D, found: Lanes, palette: Palette, height: number): void {
  const every = step(found.seconds, found.width);
  context.font = `11px ${palette.mono}`;
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.lineWidth = 1;
  for (let second = 0; second <= found.seconds; second += every) {
    const x = Math.round(found.left + (second / found.seconds) * found.width) + 0.5;
    context.strokeStyle = palette.line;
    context.beginPath();
    context.moveTo(x, 16);
    context.lineTo(x, height);
    context.stroke();
    context.fillStyle = palette.soft;
    if (x < found.left + found.width - 28) context.fillText(clock(second), x + 3, 12);
  }
}

function marks(
  context: CanvasRenderingContext2D,
  snapshot: Snapshot,
  found: Lanes,
  palette: Palette,
  height: number,
  cut: number | null,
): void {
  let free = 0;
  for (const mark of snapshot.marks) {
    context.globalAlpha = 1;
    const x = Math.round(found.left + ((mark.at - snapshot.run.started) / found.seconds) * found.width) + 0.5;
    if (cut !== null && x > cut + 1) context.globalAlpha = FUTURE;
    context.setLineDash(mark.kind === "compaction" ? [2, 3] : []);
    context.strokeStyle = mark.kind === "milestone" ? palette.states.completed.stroke : palette.strong;
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    if (mark.kind === "question") {
      context.fillStyle = palette.states.asking.fill;
      context.strokeStyle = palette.states.asking.stroke;
      context.arc(x, 24, 4, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
      continue;
    }
    context.moveTo(x, 18);
    context.lineTo(x, height);
    context.stroke();
    if (mark.kind !== "milestone") continue;
    context.beginPath();
    context.moveTo(x, 18);
    context.lineTo(x + 8, 22);
    context.lineTo(x, 26);
    context.fill();
    context.font = `11px ${palette.ui}`;
    const wide = context.measureText(mark.text).width;
    if (x + 12 < free || x + 12 + wide > found.left + found.width) continue;
    context.fillStyle = palette.states.completed.text;
    context.fillText(mark.text, x + 12, 26);
    free = x + 20 + wide;
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function draw(context: CanvasRenderingContext2D, bar: Bar, palette: Palette, state: State, chosen: boolean): void {
  const look = palette.states[state];
  context.beginPath();
  context.roundRect(bar.x, bar.y, bar.w, bar.h, Math.min(3, bar.h / 3));
  context.fillStyle = look.fill;
  context.strokeStyle = chosen ? palette.ink : look.stroke;
  context.lineWidth = chosen ? 2 : 1;
  context.setLineDash([...look.dash]);
  context.fill();
  context.stroke();
  context.setLineDash([]);
  if (bar.h < 10) return;
  context.font = `10px ${palette.mono}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const text = `#${bar.worker.task}`;
  if (context.measureText(text).width + 6 > bar.w) return;
  context.fillStyle = look.sign;
  context.fillText(text, bar.x + 3, bar.y + bar.h / 2 + 0.5);
}

function area(
  context: CanvasRenderingContext2D,
  snapshot: Snapshot,
  now: number,
  found: Lanes,
  palette: Palette,
): void {
  const x = (second: number) => found.left + (second / found.seconds) * found.width;
  const y = (number: number) => found.top + found.height - (number / found.desks) * found.height;
  context.beginPath();
  context.moveTo(x(0), y(0));
  let level = 0;
  for (const [second, number] of occupancy(snapshot, now)) {
    context.lineTo(x(second), y(level));
    context.lineTo(x(second), y(number));
    level = number;
  }
  context.lineTo(x(found.seconds), y(level));
  context.lineTo(x(found.seconds), y(0));
  context.closePath();
  context.fillStyle = palette.states.completed.fill;
  context.strokeStyle = palette.states.completed.stroke;
  context.lineWidth = 1.4;
  context.fill();
  context.stroke();
  context.strokeStyle = palette.strong;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(found.left, found.top);
  context.lineTo(found.left + found.width, found.top);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = palette.soft;
  context.font = `11px ${palette.mono}`;
  context.fillText(`${found.desks} desks`, found.left + 4, found.top + 12);
}
