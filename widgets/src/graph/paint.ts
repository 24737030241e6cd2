// Draws the plan on a canvas. Text never scales: a box that gets smaller says less.

import { DRAWINGS } from "../parts/glyph";
import type { Snapshot, Task } from "../snapshot";
import type { State } from "../states";
import { line } from "../words";
import type { Box, Layout } from "./layout";
import type { Edge } from "./order";
import type { Palette } from "./palette";

export interface Scene {
  readonly snapshot: Snapshot;
  readonly now: number;
  readonly layout: Layout;
  readonly edges: readonly Edge[];
  readonly palette: Palette;
  /** The task that is inspected, the one that a pointer or key is at, and the state that is shown alone. */
  readonly selected: string | null;
  readonly pointed: string | null;
  readonly filter: State | null;
  readonly critical: ReadonlySet<string>;
}

export interface Sight {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

const SIGN = 18;
const SMALL = 12;

/** Draw what is in sight. */
export function paint(context: CanvasRenderingContext2D, scene: Scene, sight: Sight): void {
  const { palette, layout } = scene;
  context.setTransform(sight.ratio, 0, 0, sight.ratio, 0, 0);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, sight.width, sight.height);
  context.translate(-sight.x, -sight.y);
  for (const column of layout.columns) drawColumn(context, scene, column);
  if (layout.tiles) drawBetween(context, scene);
  drawEdges(context, scene);
  for (const box of layout.boxes.values()) {
    const task = scene.snapshot.tasks[box.id];
    const seen = box.x + box.w >= sight.x && box.x <= sight.x + sight.width;
    if (task !== undefined && seen && box.y + box.h >= sight.y && box.y <= sight.y + sight.height) {
      context.globalAlpha = scene.filter !== null && task.shown !== scene.filter ? 0.25 : 1;
      if (layout.tiles) drawTile(context, scene, task, box, sight.ratio);
      else drawBox(context, scene, task, box);
      context.globalAlpha = 1;
    }
  }
}

function drawColumn(context: CanvasRenderingContext2D, scene: Scene, column: Layout["columns"][number]): void {
  const { palette, snapshot, layout } = scene;
  const phase = snapshot.phases.find((one) => one.name === column.name);
  if (layout.tiles) {
    rounded(context, column, 8);
    context.fillStyle = palette.sunken;
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.fill();
    context.stroke();
  }
  if (column.name === "") return;
  const inset = layout.tiles ? 9 : 0;
  const current = phase !== undefined && phase.done > 0 && phase.done < phase.total;
  context.fillStyle = current ? palette.ink : palette.soft;
  context.font = `${current ? 600 : 400} 12px ${palette.ui}`;
  context.textBaseline = "middle";
  const y = column.y + (layout.tiles ? 13 : 10);
  const counts = phase === undefined || column.w < 110 ? "" : `${phase.done}/${phase.total}`;
  context.textAlign = "right";
  if (counts !== "" && layout.tiles) context.fillText(counts, column.x + column.w - inset, y);
  context.textAlign = "left";
  const room = column.w - 2 * inset - (layout.tiles && counts !== "" ? context.measureText(counts).width + 8 : 0);
  context.fillText(fitted(context, line(column.name, 80), room), column.x + inset, y);
  if (layout.tiles && phase !== undefined && phase.total > 0) {
    const width = column.w - 2 * inset;
    context.fillStyle = palette.line;
    context.fillRect(column.x + inset, column.y + 22, width, 2);
    context.fillStyle = palette.states.completed.stroke;
    context.fillRect(column.x + inset, column.y + 22, (width * phase.done) / phase.total, 2);
  }
}

/** An arrow from one block to the next where something in the next waits for something in the first. */
function drawBetween(context: CanvasRenderingContext2D, scene: Scene): void {
  const { columns } = scene.layout;
  context.strokeStyle = context.fillStyle = scene.palette.strong;
  context.lineWidth = 1.4;
  columns.slice(1).forEach((column, index) => {
    const before = columns[index];
    if (before === undefined) return;
    const ids = new Set(before.ids);
    if (!column.ids.some((id) => scene.snapshot.tasks[id]?.blocked_by.some((blocker) => ids.has(blocker)))) return;
    const y = scene.layout.height / 2;
    context.beginPath();
    context.moveTo(before.x + before.w + 4, y);
    context.lineTo(column.x - 8, y);
    context.stroke();
    context.beginPath();
    context.moveTo(column.x - 3, y);
    context.lineTo(column.x - 9, y - 4);
    context.lineTo(column.x - 9, y + 4);
    context.fill();
  });
}

function drawEdges(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, palette, snapshot } = scene;
  const about = scene.pointed ?? scene.selected;
  const near = (edge: Edge) => edge.from === about || edge.to === about;
  const shown = layout.tiles ? scene.edges.filter(near) : scene.edges;
  const line = (edge: Edge, colour: string, width: number, dash: readonly number[]) => {
    const from = layout.boxes.get(edge.from);
    const to = layout.boxes.get(edge.to);
    if (from === undefined || to === undefined) return;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash([...dash]);
    context.beginPath();
    arrow(context, from, to, layout.lanes.get(edge.to) ?? []);
    context.stroke();
  };
  const live = (edge: Edge) => ["running", "asking"].includes(snapshot.tasks[edge.to]?.shown ?? "");
  const critical = (edge: Edge) => scene.critical.has(edge.from) && scene.critical.has(edge.to);
  for (const edge of shown) if (!near(edge) && !live(edge) && !critical(edge)) line(edge, palette.strong, 1, []);
  for (const edge of shown) if (!near(edge) && live(edge)) line(edge, palette.states.running.stroke, 1.2, []);
  for (const edge of shown) if (critical(edge)) line(edge, palette.late, 2.4, []);
  for (const edge of shown) if (near(edge)) line(edge, palette.ink, 1.6, edge.to === about ? [] : [4, 3]);
  context.setLineDash([]);
}

/** From box to box, on a lane past the columns between them. */
function arrow(context: CanvasRenderingContext2D, from: Box, to: Box, lanes: readonly Box[]): void {
  let before = from;
  for (const lane of lanes) {
    if (lane.x < from.x + from.w) continue;
    curve(context, before, lane);
    context.lineTo(lane.x + lane.w, lane.y + lane.h / 2);
    before = lane;
  }
  curve(context, before, to);
}

/** From the end of one box to the beginning of the other; within a column, around their beginnings. */
function curve(context: CanvasRenderingContext2D, from: Box, to: Box): void {
  const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
  if (to.x < from.x + from.w) {
    const out = Math.min(from.x, to.x) - 4 - Math.min(12, Math.abs(y2 - y1) / 8);
    context.moveTo(from.x, y1);
    context.bezierCurveTo(out, y1, out, y2, to.x, y2);
    return;
  }
  const [x1, x2] = [from.x + from.w, to.x];
  const bend = Math.max(14, (x2 - x1) / 2);
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
}

function drawBox(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box): void {
  const { palette } = scene;
  const look = palette.states[task.shown];
  const radius = Math.min(5, box.h / 3);
  rounded(context, box, radius);
  context.fillStyle = palette.ground;
  context.fill();
  context.save();
  context.clip();
  progress(context, scene, task, box);
  if (look.fill !== palette.ground) {
    context.fillStyle = look.fill;
    context.fillRect(box.x, box.y, SIGN, box.h);
  }
  context.restore();
  outline(context, scene, task, box, radius);
  sign(context, look.sign, task.shown, box.x + SIGN / 2, box.y + box.h / 2, SMALL + 2);
  label(context, scene, task, box, look.text);
}

/** How far a running task is, by what its tier is expected to take; beyond that, its end turns amber. */
function progress(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box): void {
  const worker = task.worker === null ? undefined : scene.snapshot.workers[task.worker];
  if ((task.shown !== "running" && task.shown !== "asking") || worker === undefined || worker.expected <= 0) return;
  const part = (scene.now - worker.started) / worker.expected;
  context.fillStyle = scene.palette.states[task.shown].fill;
  context.globalAlpha *= 0.17;
  context.fillRect(box.x + SIGN, box.y, (box.w - SIGN) * Math.min(1, Math.max(0, part)), box.h);
  context.globalAlpha = 1;
  if (part > 1) {
    context.fillStyle = scene.palette.late;
    context.fillRect(box.x + box.w - 3, box.y, 3, box.h);
  }
}

function label(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box, colour: string): void {
  const { palette } = scene;
  const live = task.shown === "running" || task.shown === "asking" || task.shown === "failed";
  const room = box.w - SIGN - 12;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = colour;
  context.font = `${live ? 600 : 400} 12px ${palette.ui}`;
  const y = box.y + box.h / 2 + 0.5;
  if (box.w < 78) {
    context.fillText(fitted(context, task.id, room), box.x + SIGN + 6, y);
    return;
  }
  let left = box.x + SIGN + 6;
  let right = box.x + box.w - 6;
  if (box.w >= 150) {
    context.font = `11px ${palette.mono}`;
    context.fillStyle = palette.soft;
    const tier = task.tier.slice(0, 1).toUpperCase();
    context.textAlign = "right";
    context.fillText(tier, right, y);
    right -= context.measureText(tier).width + 6;
    context.textAlign = "left";
    const number = `#${task.id}`;
    context.fillText(number, left, y);
    left += context.measureText(number).width + 6;
    context.fillStyle = colour;
    context.font = `${live ? 600 : 400} 12px ${palette.ui}`;
  }
  context.fillText(fitted(context, line(task.subject, 120), right - left), left, y);
}

/** Tiles in one state look alike, so each is drawn once and then copied: a thousand paths a picture would be slow. */
const tiles = new WeakMap<Palette, Map<string, HTMLCanvasElement>>();

function drawTile(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box, ratio: number): void {
  const known = tiles.get(scene.palette) ?? new Map<string, HTMLCanvasElement>();
  tiles.set(scene.palette, known);
  const key = `${task.shown} ${box.w} ${ratio}`;
  let tile = known.get(key);
  if (tile === undefined) {
    tile = tileOf(scene.palette, task.shown, box.w, ratio);
    known.set(key, tile);
  }
  // On whole pixels of the screen, or it would be blurred.
  const whole = (value: number) => Math.round(value * ratio) / ratio;
  context.drawImage(tile, whole(box.x) - MARGIN, whole(box.y) - MARGIN, tile.width / ratio, tile.height / ratio);
  if (scene.selected === task.id || scene.pointed === task.id) choose(context, scene, task, box, rounding(box.w));
}

const MARGIN = 1;

function rounding(side: number): number {
  return Math.min(3, side / 4);
}

function tileOf(palette: Palette, state: State, side: number, ratio: number): HTMLCanvasElement {
  const sheet = document.createElement("canvas");
  sheet.width = sheet.height = Math.ceil((side + 2 * MARGIN) * ratio);
  const context = sheet.getContext("2d");
  if (context === null) return sheet;
  const look = palette.states[state];
  context.scale(ratio, ratio);
  const box = { x: MARGIN, y: MARGIN, w: side, h: side };
  rounded(context, box, rounding(side));
  context.fillStyle = look.fill;
  context.fill();
  border(context, look, box, rounding(side));
  if (side >= 9) sign(context, look.sign, state, MARGIN + side / 2, MARGIN + side / 2, side - 2);
  return sheet;
}

function outline(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box, radius: number): void {
  border(context, scene.palette.states[task.shown], box, radius);
  if (scene.selected === task.id || scene.pointed === task.id) choose(context, scene, task, box, radius);
}

type Place = Pick<Box, "x" | "y" | "w" | "h">;

function border(context: CanvasRenderingContext2D, look: Palette["states"][State], box: Place, radius: number): void {
  const tiny = box.w < 12;
  rounded(context, box, radius);
  context.strokeStyle = look.stroke;
  context.lineWidth = tiny ? 0.8 : 1.3;
  context.setLineDash(look.dash.map((length) => (tiny ? length / 2 : length)));
  context.stroke();
  context.setLineDash([]);
}

/** Mark the task that is looked at, or that a pointer or key is at. */
function choose(context: CanvasRenderingContext2D, scene: Scene, task: Task, box: Box, radius: number): void {
  rounded(context, { x: box.x - 2, y: box.y - 2, w: box.w + 4, h: box.h + 4 }, radius + 2);
  context.strokeStyle = scene.selected === task.id ? scene.palette.ink : scene.palette.focus;
  context.lineWidth = 2;
  context.stroke();
}

const paths = new Map<State, Path2D>();

function sign(
  context: CanvasRenderingContext2D,
  colour: string,
  state: State,
  x: number,
  y: number,
  size: number,
): void {
  let path = paths.get(state);
  if (path === undefined) {
    path = new Path2D(DRAWINGS[state]);
    paths.set(state, path);
  }
  const scale = size / SIGN;
  context.save();
  context.translate(x - size / 2, y - size / 2);
  context.scale(scale, scale);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  context.lineCap = context.lineJoin = "round";
  if (state === "running") context.fill(path);
  else context.stroke(path);
  context.restore();
}

function rounded(context: CanvasRenderingContext2D, box: Place, radius: number): void {
  context.beginPath();
  context.roundRect(box.x, box.y, box.w, box.h, radius);
}

const fits = new Map<string, string>();
const MOST_FITS = 4_000;

/** The text, cut to the room that there is; measuring is slow, so what was found is kept. */
function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  const key = `${context.font}|${Math.round(room)}|${text}`;
  const known = fits.get(key);
  if (known !== undefined) return known;
  let cut = text;
  if (context.measureText(text).width > room) {
    let [least, most] = [0, text.length];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (context.measureText(`${text.slice(0, middle)}…`).width <= room) least = middle;
      else most = middle - 1;
    }
    cut = least === 0 ? "" : `${text.slice(0, least).trimEnd()}…`;
  }
  if (fits.size > MOST_FITS) fits.clear();
  fits.set(key, cut);
  return cut;
}
