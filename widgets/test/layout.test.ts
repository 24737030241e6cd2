import { expect, test } from "vitest";
import { boxAt, layout, neighbour } from "../src/graph/layout";
import { depths, heldUp, reduced } from "../src/graph/order";
import type { Snapshot } from "../src/snapshot";
import type { State } from "../src/states";
import { golden } from "./golden";

/** A plan of so many tasks in each phase, each waiting for two of the phase before. */
function plan(...sizes: number[]): Snapshot {
  const base = golden("running");
  const task = base.tasks["3"];
  if (task === undefined) throw new Error("the golden run has a task 3");
  const made: Record<string, typeof task> = {};
  let before: string[] = [];
  sizes.forEach((size, phase) => {
    const ids = Array.from({ length: size }, (_, place) => `${phase}-${place}`);
    for (const [place, id] of ids.entries()) {
      const blocked_by = before.length === 0 ? [] : [...new Set([before[place % before.length], before[0]])];
      made[id] = { ...task, id, phase: `Phase ${phase}`, blocked_by: blocked_by as string[] };
    }
    before = ids;
  });
  const phases = sizes.map((total, phase) => ({ name: `Phase ${phase}`, done: 0, total, failed: 0 }));
  return { ...base, tasks: made, order: Object.keys(made), phases };
}

function with_state(snapshot: Snapshot, ids: readonly string[], shown: State): Snapshot {
  const tasks = { ...snapshot.tasks };
  for (const id of ids) {
    const task = tasks[id];
    if (task !== undefined) tasks[id] = { ...task, shown };
  }
  return { ...snapshot, tasks };
}

const PLANS = [
  plan(1),
  plan(3, 5, 2),
  plan(5, 3, 14, 8, 4, 6),
  plan(80, 300, 10),
  plan(160, 30, 340, 280, 80, 100, 10),
];

test.each(PLANS.map((snapshot) => [snapshot.order.length, snapshot] as const))(
  "of %d tasks each has a place of its own, inside the picture",
  (_, snapshot) => {
    for (const arrangement of ["phases", "flow"] as const) {
      for (const [width, height] of [
        [560, 300],
        [1050, 460],
      ] as const) {
        const found = layout(snapshot, arrangement, width, height);
        const boxes = [...found.boxes.values()];
        expect(boxes.map((box) => box.id).sort()).toEqual([...snapshot.order].sort());
        for (const box of boxes) {
          expect(box.w).toBeGreaterThan(4);
          expect(box.x + box.w).toBeLessThanOrEqual(found.width);
          expect(box.y + box.h).toBeLessThanOrEqual(found.height + 0.01);
          expect(boxAt(found, box.x + box.w / 2, box.y + box.h / 2)).toBe(box.id);
        }
      }
    }
  },
);

test("a state that changes moves nothing, as long as no phase folds", () => {
  const before = plan(3, 5, 2);
  const after = with_state(before, ["0-0", "1-1"], "failed");
  expect([...layout(after, "phases", 900, 400).boxes]).toEqual([...layout(before, "phases", 900, 400).boxes]);
});

test("a phase that is done folds only where the others need its place", () => {
  const done = with_state(plan(5, 3, 14, 8, 4, 6), ["0-0", "0-1", "0-2", "0-3", "0-4"], "completed");
  const widths = (width: number) => layout(done, "phases", width, 400).columns.map((column) => Math.round(column.w));
  expect(widths(700)[0]).toBe(54);
  expect(new Set(widths(1_400)).size).toBe(1);
  const all = with_state(done, done.order, "completed");
  expect(new Set(layout(all, "phases", 700, 400).columns.map((column) => Math.round(column.w))).size).toBe(1);
});

test("what waits stands to the right of what it waits for", () => {
  const snapshot = golden("running");
  const { boxes } = layout(snapshot, "flow", 1_000, 400);
  for (const { from, to } of reduced(snapshot)) {
    expect(boxes.get(to)?.x).toBeGreaterThan(boxes.get(from)?.x ?? Number.POSITIVE_INFINITY);
  }
});

test("only arrows that say something new are drawn, and depth is the longest way", () => {
  const snapshot = golden("running");
  const arrows = reduced(snapshot).map(({ from, to }) => `${from}>${to}`);
  expect(arrows).toContain("2>6");
  expect(arrows).not.toContain("6>8");
  expect(depths(snapshot).get("8")).toBe(4);
});

test("arrow keys lead through every task of a column, and to the next column and back", () => {
  const found = layout(plan(3, 5, 2), "phases", 900, 400);
  let at: string | null = "1-0";
  const seen = new Set<string>();
  for (; at !== null; at = neighbour(found, at, "ArrowUp")) seen.add(at);
  for (at = "1-0"; at !== null; at = neighbour(found, at, "ArrowDown")) seen.add(at);
  expect(seen.size).toBe(5);
  expect(neighbour(found, "1-0", "ArrowLeft")).toMatch(/^0-/);
  expect(neighbour(found, "1-0", "ArrowRight")).toMatch(/^2-/);
  expect(neighbour(found, "0-0", "ArrowLeft")).toBeNull();
});

test("among a thousand tiles the keys go from tile to tile and from block to block", () => {
  const snapshot = plan(160, 30, 340, 280, 80, 100, 10);
  const found = layout(snapshot, "phases", 1_050, 460);
  const first = found.columns[2]?.ids[0] ?? "";
  expect(neighbour(found, first, "ArrowRight")).toBe(found.columns[2]?.ids[1]);
  expect(neighbour(found, first, "ArrowLeft")).toMatch(/^1-/);
  expect(neighbour(found, first, "ArrowUp")).toBeNull();
});

test("a thousand tasks are laid out between two pictures, also on a slow machine", () => {
  const snapshot = plan(160, 30, 340, 280, 80, 100, 10);
  layout(snapshot, "phases", 1_050, 460);
  const began = performance.now();
  for (let round = 0; round < 5; round += 1) layout(snapshot, "phases", 1_050, 460);
  expect((performance.now() - began) / 5).toBeLessThan(400);
});

test("what a task holds up is itself and everything that waits for it, once", () => {
  const snapshot = golden("done");
  expect(heldUp(snapshot, [])).toBe(0);
  expect(heldUp(snapshot, ["8"])).toBe(1);
  expect(heldUp(snapshot, ["2", "3"])).toBe(5);
  expect(heldUp(snapshot, ["1"])).toBe(snapshot.order.length);
});

test("arrows pass by the columns between two tasks on lanes of their own, beside every box", () => {
  const snapshot = golden("done");
  const found = layout(snapshot, "flow", 900, 400);
  expect([...found.lanes.keys()]).not.toEqual([]);
  for (const lane of [...found.lanes.values()].flat()) {
    const middle = lane.y + lane.h / 2;
    for (const box of found.boxes.values()) {
      const apart = middle < box.y || middle > box.y + box.h || lane.x >= box.x + box.w || lane.x + lane.w <= box.x;
      expect(apart).toBe(true);
    }
  }
  for (const { from, to } of reduced(snapshot)) {
    const between = depths(snapshot);
    const steps = (between.get(to) ?? 0) - (between.get(from) ?? 0);
    const start = found.boxes.get(from);
    const passed = (found.lanes.get(to) ?? []).filter((lane) => lane.x > (start?.x ?? 0));
    expect(passed.length).toBe(steps - 1);
  }
  expect(layout(snapshot, "phases", 900, 400).lanes.size).toBe(0);
});
