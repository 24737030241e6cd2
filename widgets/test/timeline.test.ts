import { expect, test } from "vitest";
import { lanes, occupancy, stateOf, step } from "../src/graph/timeline";
import { golden } from "./golden";

test("each attempt has a bar in the row of its desk, no two of a desk at once, all inside the picture", () => {
  const snapshot = golden("edited");
  const found = lanes(snapshot, snapshot.now, 1_000, 132);
  expect(found.bars.length).toBe(Object.keys(snapshot.workers).length);
  for (const bar of found.bars) {
    expect(bar.x).toBeGreaterThanOrEqual(found.left);
    expect(bar.x + bar.w).toBeLessThanOrEqual(found.left + found.width + 2);
    const beside = found.bars.filter((other) => other !== bar && other.y === bar.y);
    expect(beside.some((other) => other.x < bar.x + bar.w - 2 && bar.x < other.x + other.w - 2)).toBe(false);
  }
});

test("a bar shows what became of its own attempt, not of the task", () => {
  const snapshot = golden("edited");
  const states = Object.values(snapshot.workers).map((worker) => [worker.id, stateOf(snapshot, worker)]);
  expect(Object.fromEntries(states)).toMatchObject({ w1: "completed", w3: "running", w4: "failed", w42: "failed" });
  expect(snapshot.tasks["4"]?.shown).toBe("ready");
});

test("before the run has begun no time has passed, whatever the clock says", () => {
  const empty = golden("empty");
  expect(empty.run.started).toBe(0);
  expect(lanes(empty, 1_800_000_000, 1_000, 132)).toMatchObject({ seconds: 1, bars: [] });
});

test("with hundreds of desks it is how many worked at once, and that never goes below none", () => {
  const base = golden("running");
  const one = Object.values(base.workers)[0];
  if (one === undefined) throw new Error("the golden run has workers");
  const workers = Object.fromEntries(
    Array.from({ length: 200 }, (_, at) => {
      const started = base.run.started + at / 10;
      return [`w${at}`, { ...one, id: `w${at}`, desk: at + 1, started, ended: at % 2 ? started + 20 : null }];
    }),
  );
  const snapshot = { ...base, workers };
  expect(lanes(snapshot, snapshot.now, 1_000, 132).crowded).toBe(true);
  const levels = occupancy(snapshot, snapshot.now).map(([, number]) => number);
  expect(Math.min(...levels)).toBe(0);
  expect(Math.max(...levels)).toBeGreaterThan(100);
});

test.each([
  [5, 1_000, 1],
  [74, 1_000, 10],
  [3_600, 600, 600],
  [90_000, 600, 21_600],
])("%d seconds on %d pixels are marked every %d", (seconds, width, every) => {
  expect(step(seconds, width)).toBe(every);
});
