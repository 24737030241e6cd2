import { effect } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Change } from "../src/patch";
import { GONE_SECONDS, PICTURE_SECONDS, Store } from "../src/store";
import { golden } from "./golden";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Let the latest picture be shown. */
const soon = () => vi.advanceTimersByTime(PICTURE_SECONDS * 1_000 + 1);
const patch = (n: number, changes: Change[] = [], lines: Record<string, string> = {}) =>
  ({ kind: "patch", n, base: n - 1, changes, lines }) as const;

test("patches that follow on change the picture; one seen before does nothing", () => {
  const ask = vi.fn();
  const store = new Store(ask);
  store.takeWhole({ n: 3, snapshot: golden("running"), lines: {} });
  store.takePatch(patch(4, [[["run", "goal"], "Another"]]));
  store.takePatch(patch(4, [[["run", "goal"], "Twice"]]));
  store.takePatch(patch(5, [], { w3: "halfway" }));
  soon();
  expect(store.snapshot.value?.run.goal).toBe("Another");
  expect(store.lines.value).toEqual({ w3: "halfway" });
  expect(ask).not.toHaveBeenCalled();
});

test("a gap asks for the whole picture and draws nothing wrong meanwhile", () => {
  const ask = vi.fn();
  const store = new Store(ask);
  store.takeWhole({ n: 3, snapshot: golden("running"), lines: {} });
  store.takePatch(patch(6, [[["run", "goal"], "Too new"]]));
  expect(ask).toHaveBeenCalledTimes(1);
  expect(store.snapshot.value?.run.goal).toBe(golden("running").run.goal);
  store.takeWhole({ n: 6, snapshot: golden("failed"), lines: {} });
  store.takePatch(patch(7, [[["run", "goal"], "Goes on"]]));
  soon();
  expect(store.snapshot.value?.run.goal).toBe("Goes on");
});

test("an older whole picture does not turn back the time, and an empty one is no picture", () => {
  const store = new Store(() => {});
  store.takeWhole({ n: 0, snapshot: {}, lines: {} });
  expect(store.snapshot.value).toBeNull();
  store.takeWhole({ n: 6, snapshot: golden("failed"), lines: {} });
  store.takeWhole({ n: 2, snapshot: golden("running"), lines: {} });
  expect(store.snapshot.value).toEqual(golden("failed"));
});

test("the clock goes on between pictures while the kernel lives, and stands once the run is over", () => {
  let seconds = 100;
  const store = new Store(
    () => {},
    () => seconds,
  );
  store.takeWhole({ n: 1, snapshot: golden("running"), lines: {} });
  seconds += 7;
  store.beat();
  expect(store.now()).toBe(golden("running").now);
  store.hear();
  expect(store.now()).toBe(golden("running").now + 7);
  store.takeWhole({ n: 2, snapshot: golden("done"), lines: {} });
  soon();
  seconds += 7;
  store.beat();
  expect(store.now()).toBe(golden("done").now);
});

test("a kernel that is silent in mid-run counts as gone, and the clock stands where it was last heard", () => {
  let seconds = 100;
  const store = new Store(
    () => {},
    () => seconds,
  );
  const later = (by: number) => {
    seconds += by;
    store.beat();
  };
  store.takeWhole({ n: 1, snapshot: golden("running"), lines: {} });
  later(60);
  expect(store.silence()).toBe(0);
  store.hear();
  later(GONE_SECONDS - 1);
  expect(store.now()).toBe(golden("running").now + 60 + GONE_SECONDS - 1);
  later(60);
  expect(store.silence()).toBe(GONE_SECONDS + 59);
  expect(store.now()).toBe(golden("running").now + 60);
  store.takePatch(patch(2));
  expect(store.silence()).toBe(0);
  store.takeWhole({ n: 3, snapshot: golden("done"), lines: {} });
  soon();
  later(600);
  expect(store.silence()).toBe(0);
});

test("a recording stands still", () => {
  let seconds = 0;
  const store = new Store(
    () => {},
    () => seconds,
  );
  store.takeWhole({ n: 1, snapshot: golden("running"), lines: {} });
  store.hear();
  store.keep();
  seconds = 100;
  store.beat();
  expect([store.now(), store.silence()]).toEqual([golden("running").now, 0]);
});

test("of many pictures in a short time the last is shown, a moment later, and its time is its own", () => {
  let seconds = 0;
  const store = new Store(
    () => {},
    () => seconds,
  );
  store.takeWhole({ n: 1, snapshot: golden("running"), lines: {} });
  store.hear();
  for (let n = 2; n <= 6; n += 1) {
    seconds += 0.01;
    store.takePatch(patch(n, [[["run", "goal"], `Goal ${n}`]]));
  }
  expect(store.snapshot.value?.run.goal).toBe(golden("running").run.goal);
  seconds = 0.5;
  soon();
  expect(store.snapshot.value?.run.goal).toBe("Goal 6");
  expect(store.now()).toBeCloseTo(golden("running").now + 0.45, 6);
});

test("where time stands nobody is told that it passes, so that a finished board asks for no frame", () => {
  let seconds = 0;
  const store = new Store(
    () => {},
    () => seconds,
  );
  const read = vi.fn(() => void [store.now(), store.silence()]);
  store.takeWhole({ n: 1, snapshot: golden("running"), lines: {} });
  store.hear();
  const stop = effect(read);
  seconds = 1;
  store.beat();
  expect(read.mock.calls.length).toBe(2);
  store.takeWhole({ n: 2, snapshot: golden("done"), lines: {} });
  soon();
  const calls = read.mock.calls.length;
  seconds = 2;
  store.beat();
  expect(read.mock.calls.length).toBe(calls);
  stop();
});
