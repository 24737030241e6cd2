// Where each task stands in the picture. Pure, and the same for the same plan: a state that changes moves nothing.

import type { Snapshot } from "../snapshot";
import { blockers, depths, reduced } from "./order";

/** `phases`: a column for each phase. `flow`: a column for each step of what waits for what. */
export type Arrangement = "phases" | "flow";

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Column {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly ids: readonly string[];
}

export interface Layout {
  /** Many tasks stand as tiles in a block for each phase, without arrows. */
  readonly tiles: boolean;
  readonly boxes: ReadonlyMap<string, Box>;
  /** Where arrows that end at a task pass by the columns before it, from left to right. */
  readonly lanes: ReadonlyMap<string, readonly Box[]>;
  readonly columns: readonly Column[];
  readonly width: number;
  readonly height: number;
}

/** Above this many tasks a box for each can no longer be read. */
export const MOST_BOXES = 72;
const EDGE = 18;
const GAP = 24;
const WIDEST_GAP = 90;
const HEAD = 26;
const FOLDED = 54;
const WIDE = 168;
const NARROW = 64;
const ROW = { least: 20, most: 40, gap: 6 };
const TILE = { least: 7, most: 24 };
const PANEL = 7;
/** The height of a lane beside that of a task. */
const LANE = 0.5;

/** Lay the plan out in a place of this size; what does not fit makes the picture larger than the place. */
export function layout(snapshot: Snapshot, arrangement: Arrangement, width: number, height: number): Layout {
  const named = groups(snapshot, arrangement);
  if (snapshot.order.length > MOST_BOXES) return blocks(named, width, height);
  return columns(snapshot, named, width, height);
}

interface Group {
  readonly name: string;
  readonly ids: readonly string[];
  /** From top to bottom: a task, or the lane on which arrows to a later one pass by. */
  readonly rows: readonly Row[];
}

interface Row {
  readonly id: string;
  readonly lane: boolean;
}

function groups(snapshot: Snapshot, arrangement: Arrangement): readonly Group[] {
  const depth = depths(snapshot);
  const byPhase = arrangement === "phases" && snapshot.phases.length > 0;
  const found = new Map<string, string[]>();
  for (const id of snapshot.order) {
    const key = byPhase ? (snapshot.tasks[id]?.phase ?? "") : String(depth.get(id) ?? 0).padStart(4, "0");
    found.set(key, [...(found.get(key) ?? []), id]);
  }
  const keys = byPhase ? [...found.keys()] : [...found.keys()].sort();
  const boxes = snapshot.order.length <= MOST_BOXES;
  const arrows = byPhase || !boxes ? [] : reduced(snapshot);
  const at = new Map<string, number>();
  const lanes = new Map<string, number>();
  return keys.map((key, step) => {
    const ids = found.get(key) ?? [];
    const index = new Map(ids.map((id, place) => [id, place]));
    const passing = new Set(
      arrows
        .filter((arrow) => (depth.get(arrow.from) ?? 0) < step && (depth.get(arrow.to) ?? 0) > step)
        .map((arrow) => arrow.to),
    );
    // Beside what it waits for, so that arrows are short; among equals in the order of creation.
    const pull = (id: string) => mean([lanes.get(id), ...blockers(snapshot, id).map((blocker) => at.get(blocker))]);
    const rows = [...ids.map((id) => ({ id, lane: false })), ...[...passing].map((id) => ({ id, lane: true }))];
    const pulls = new Map(rows.map((row) => [row, pull(row.id)]));
    const rank = (row: Row) => (row.lane ? snapshot.order.length : (index.get(row.id) ?? 0));
    rows.sort(
      (a, b) =>
        (byPhase ? (depth.get(a.id) ?? 0) - (depth.get(b.id) ?? 0) : 0) ||
        (pulls.get(a) ?? 0) - (pulls.get(b) ?? 0) ||
        rank(a) - rank(b),
    );
    lanes.clear();
    let top = -heightOf(rows) / 2;
    for (const row of rows) {
      (row.lane ? lanes : at).set(row.id, top);
      top += row.lane ? LANE : 1;
    }
    return { name: byPhase ? key : "", ids: rows.filter((row) => !row.lane).map((row) => row.id), rows };
  });
}

/** In rows of a task's height. */
function heightOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + (row.lane ? LANE : 1), 0);
}

function mean(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function columns(snapshot: Snapshot, named: readonly Group[], width: number, height: number): Layout {
  const most = Math.max(1, ...named.map((group) => heightOf(group.rows)));
  const head = named.some((group) => group.name !== "") ? HEAD : 0;
  const row = clamp((height - head - 2 * EDGE) / most, ROW.least, ROW.most);
  const wide = widths(snapshot, named, width - 2 * EDGE);
  const boxes = new Map<string, Box>();
  const lanes = new Map<string, readonly Box[]>();
  const total = head + 2 * EDGE + most * row;
  const spare = width - 2 * EDGE - wide.reduce((sum, one) => sum + one, 0);
  const gap = clamp(spare / Math.max(1, named.length - 1), GAP, WIDEST_GAP);
  let x = EDGE;
  const placed = named.map((group, index) => {
    const w = wide[index] ?? NARROW;
    let y = head + EDGE + ((most - heightOf(group.rows)) * row) / 2;
    for (const { id, lane } of group.rows) {
      const h = row * (lane ? LANE : 1);
      if (lane) lanes.set(id, [...(lanes.get(id) ?? []), { id, x, y, w, h: h - ROW.gap }]);
      else boxes.set(id, { id, x, y, w, h: h - ROW.gap });
      y += h;
    }
    const column = { name: group.name, x, y: 4, w, h: total, ids: group.ids };
    x += w + gap;
    return column;
  });
  return {
    tiles: false,
    boxes,
    lanes,
    columns: placed,
    width: Math.max(width, x - gap + EDGE),
    height: Math.max(height, total),
  };
}

/** Equal widths; where they get too narrow to be read, phases that are done fold and leave their place to the others. */
function widths(snapshot: Snapshot, named: readonly Group[], width: number): readonly number[] {
  const room = width - GAP * (named.length - 1);
  const equal = room / Math.max(1, named.length);
  const done = named.map((group) => group.ids.every((id) => snapshot.tasks[id]?.shown === "completed"));
  const open = done.filter((one) => !one).length;
  if (equal >= WIDE || open === 0 || open === named.length) return named.map(() => clamp(equal, NARROW, 240));
  const rest = (room - FOLDED * (named.length - open)) / open;
  return done.map((one) => (one ? FOLDED : clamp(rest, NARROW, 240)));
}

function blocks(named: readonly Group[], width: number, height: number): Layout {
  const tall = height - HEAD - 2 * EDGE - 2 * PANEL;
  const needed = (side: number) =>
    named.reduce(
      (sum, group) => sum + Math.ceil(group.ids.length / rowsOf(tall, side)) * side + 2 * PANEL + GAP,
      2 * EDGE,
    );
  let side = TILE.most;
  while (side > TILE.least && needed(side) > width) side -= 1;
  const rows = rowsOf(tall, side);
  const boxes = new Map<string, Box>();
  let x = EDGE;
  const placed = named.map((group) => {
    const across = Math.max(1, Math.ceil(group.ids.length / rows));
    const down = Math.ceil(group.ids.length / across);
    const w = Math.max(across * side + 2 * PANEL, NARROW);
    const h = HEAD + down * side + 2 * PANEL;
    const y = EDGE + Math.max(0, (height - 2 * EDGE - h) / 2);
    const left = x + (w - across * side) / 2;
    group.ids.forEach((id, place) => {
      const cell = { x: left + (place % across) * side, y: y + HEAD + PANEL + Math.floor(place / across) * side };
      boxes.set(id, { id, ...cell, w: side - 2, h: side - 2 });
    });
    x += w + GAP;
    return { name: group.name, x: x - w - GAP, y, w, h, ids: group.ids };
  });
  return { tiles: true, boxes, lanes: new Map(), columns: placed, width: Math.max(width, x - GAP + EDGE), height };
}

function rowsOf(tall: number, side: number): number {
  return Math.max(1, Math.floor(tall / side));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** The task at a point of the picture. */
export function boxAt(found: Layout, x: number, y: number): string | null {
  for (const box of found.boxes.values()) {
    if (x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h) return box.id;
  }
  return null;
}

/** The task that an arrow key leads to: along the row, or up and down in the column. */
export function neighbour(found: Layout, id: string, key: string): string | null {
  const [dx, dy] = STEPS[key] ?? [0, 0];
  const column = found.columns.findIndex((one) => one.ids.includes(id));
  const ids = found.columns[column]?.ids ?? [];
  const box = found.boxes.get(id);
  if (box === undefined || (dx === 0 && dy === 0)) return null;
  const inside = found.tiles ? beside(found, ids, box, dx, dy) : ids[dy === 0 ? -1 : ids.indexOf(id) + dy];
  if (inside !== undefined || dx === 0) return inside ?? null;
  const next = found.columns[column + dx];
  return next === undefined ? null : nearest(found, next.ids, box.y + box.h / 2);
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function beside(found: Layout, ids: readonly string[], box: Box, dx: number, dy: number): string | undefined {
  const x = box.x + dx * (box.w + 2);
  const y = box.y + dy * (box.h + 2);
  return ids.find((other) => {
    const at = found.boxes.get(other);
    return at !== undefined && Math.abs(at.x - x) < 1 && Math.abs(at.y - y) < 1;
  });
}

function nearest(found: Layout, ids: readonly string[], y: number): string | null {
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const id of ids) {
    const box = found.boxes.get(id);
    const far = box === undefined ? Number.POSITIVE_INFINITY : Math.abs(box.y + box.h / 2 - y);
    if (far < least) {
      least = far;
      best = id;
    }
  }
  return best;
}
