// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Link } from "../src/link";
import type { Outgoing } from "../src/protocol";
import { Replay } from "../src/replay";
import { Store } from "../src/store";
import { golden } from "./golden";
import { type Opened, opened } from "./kernel";

const START = golden("done").run.started;

/** A replay of a golden run, its requests answered by hand and its clock set by hand. */
function player(name = "done") {
  const sent: Outgoing[] = [];
  const link = new Link((message) => void sent.push(message));
  let seconds = 0;
  const store = new Store(
    () => {},
    () => seconds,
  );
  store.takeWhole({ n: 1, snapshot: golden(name), lines: {} });
  store.hear();
  const refused = vi.fn();
  const replay = new Replay(store, link, refused, () => seconds * 1_000);
  return {
    replay,
    refused,
    asked: () => sent.filter((message) => message.kind === "moment").map((message) => message.payload),
    answer: async (moment: object) => {
      const last = sent.filter((message) => message.kind === "moment").at(-1);
      link.acknowledge(last?.id ?? "", moment);
      await Promise.resolve();
    },
    pass: (span: number) => {
      seconds += span;
      store.beat();
      vi.advanceTimersByTime(span * 1_000);
    },
    close: () => {
      replay.leave();
      link.close();
    },
  };
}

let made: ReturnType<typeof player> | undefined;
let page: Opened | undefined;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  made?.close();
  page?.end();
  made = page = undefined;
  vi.useRealTimers();
});

const whole = (n: number, name: string, at: number) => ({
  moment: { n, seq: golden(name).seq, at, snapshot: golden(name) },
});

test("a moment is asked for with the picture that is shown, and comes as what changes in it", async () => {
  made = player();
  made.replay.go(START + 10);
  expect(made.asked()).toEqual([{ at: START + 10, base: 0 }]);
  expect(made.replay.shown.value).toBeNull();
  await made.answer(whole(7, "running", START + 10));
  made.replay.go(START + 20);
  expect(made.asked().at(-1)).toEqual({ at: START + 20, base: 7 });
  const changes = [[["run", "goal"], "As it was then"]];
  await made.answer({ moment: { n: 8, seq: 9, at: START + 20, base: 7, changes } });
  expect(made.replay.shown.value?.run.goal).toBe("As it was then");
  expect(made.replay.shown.value?.order).toEqual(golden("running").order);
});

test("changes of a picture that is not shown are asked for again, whole", async () => {
  made = player();
  made.replay.go(START + 10);
  await made.answer({ moment: { n: 3, seq: 9, at: START + 10, base: 99, changes: [] } });
  expect(made.replay.shown.value).toBeNull();
  expect(made.asked().at(-1)).toEqual({ at: START + 10, base: 0 });
});

test("while one moment is on its way only the last of those wanted is asked for next", async () => {
  made = player();
  for (const second of [1, 2, 3, 4, 5]) made.replay.go(START + second);
  expect(made.asked().length).toBe(1);
  await made.answer(whole(1, "planning", START + 1));
  expect(made.asked()).toEqual([
    { at: START + 1, base: 0 },
    { at: START + 5, base: 1 },
  ]);
});

test("no moment is outside the run", () => {
  made = player();
  const end = golden("done").now;
  made.replay.go(START - 50);
  expect(made.replay.at.value).toBe(START);
  made.replay.go(end + 50);
  expect(made.replay.at.value).toBe(end);
});

test("a step goes one record on or back and stays where the run has an end", async () => {
  made = player();
  made.replay.step(-1);
  expect(made.asked()).toEqual([{ seq: golden("done").seq - 1, base: 0 }]);
  await made.answer({ moment: { n: 1, seq: 3, at: START + 4, snapshot: { ...golden("planning"), seq: 3 } } });
  expect(made.replay.at.value).toBe(START + 4);
  made.replay.step(1);
  expect(made.asked().at(-1)).toEqual({ seq: 4, base: 1 });
  await made.answer({ moment: { n: 2, seq: 1, at: START, snapshot: { ...golden("planning"), seq: 1 } } });
  made.replay.step(-1);
  expect(made.asked().at(-1)).toEqual({ seq: 1, base: 2 });
});

test("steps that come faster than the pictures all count", async () => {
  made = player();
  const last = golden("done").seq;
  for (let press = 0; press < 5; press += 1) made.replay.step(-1);
  expect(made.asked()).toEqual([{ seq: last - 1, base: 0 }]);
  await made.answer({ moment: { n: 1, seq: last - 1, at: START + 9, snapshot: golden("done") } });
  expect(made.asked().at(-1)).toEqual({ seq: last - 5, base: 1 });
});

test("playing goes on with the clock, as many times as fast as chosen, and halts at the end", async () => {
  made = player();
  const length = golden("done").now - START;
  made.replay.play();
  expect(made.replay.at.value).toBe(START);
  made.pass(1);
  expect(made.replay.at.value).toBeCloseTo(START + 1, 3);
  made.replay.speed.value = 8;
  made.pass(2);
  expect(made.replay.at.value).toBeCloseTo(START + 17, 3);
  made.replay.pause();
  made.pass(5);
  expect(made.replay.at.value).toBeCloseTo(START + 17, 3);
  made.replay.play();
  made.pass(length);
  expect(made.replay.playing.value).toBe(false);
  expect(made.replay.at.value).toBe(golden("done").now);
});

test("the replay of a run that goes on ends in the present", () => {
  made = player("running");
  made.replay.speed.value = 32;
  made.replay.play();
  made.pass(5);
  expect([made.replay.at.value, made.replay.playing.value]).toEqual([null, false]);
});

test("the next milestone is a place to go to", () => {
  made = player();
  const marks = golden("done").marks.filter((mark) => mark.kind === "milestone");
  made.replay.go(START);
  for (const mark of marks) {
    made.replay.nextMilestone();
    expect(made.replay.at.value).toBe(mark.at);
  }
  made.replay.nextMilestone();
  expect(made.replay.at.value).toBe(marks.at(-1)?.at);
});

test("a moment that the kernel cannot show leads back to the present and is said", async () => {
  made = player();
  made.replay.go(START + 3);
  await made.answer({ error: "Not that one." });
  expect(made.replay.at.value).toBeNull();
  expect(made.refused).toHaveBeenCalledWith("Not that one.");
});

test("an answer that comes after one has left shows nothing", async () => {
  made = player();
  made.replay.go(START + 3);
  made.replay.leave();
  await made.answer(whole(1, "planning", START + 3));
  expect(made.replay.shown.value).toBeNull();
});

test("an answer that comes after one has left and come back moves nothing", async () => {
  made = player();
  made.replay.step(-1);
  made.replay.leave();
  made.replay.play();
  await made.answer(whole(1, "failed", START + 150));
  expect(made.replay.at.value).toBe(START);
  expect(made.replay.shown.value).toBe(null);
  expect(made.asked().at(-1)).toMatchObject({ at: START });
});

test("in the past the board shows that moment, offers nothing to change, and inspects what was", async () => {
  vi.useRealTimers();
  page = await opened("asking");
  await page.acknowledge("hello");
  expect(page.find(".question")).not.toBeNull();
  await page.press('[aria-label="One event back"]');
  await page.acknowledge("moment", whole(1, "running", START + 31));
  expect(page.find(".pill")?.textContent).toBe("Replay 0:31");
  expect(page.find(".question")).toBeNull();
  expect(page.find("[data-act=cancel]")).toBeNull();
  expect(page.text()).toContain("A question waits for an answer.");
  await page.press('[data-task="3"]');
  expect(page.of("inspect").at(-1)?.payload).toEqual({ task: "3", seq: golden("running").seq });
  expect(page.root.querySelectorAll(".inspector [data-act]").length).toBe(0);
  await page.press("[data-act=live]");
  expect(page.find(".question")).not.toBeNull();
  expect(page.find("[data-act=cancel]")).not.toBeNull();
});

test("the scrubber says where it is and takes keys", async () => {
  vi.useRealTimers();
  page = await opened("done");
  const scrubber = page.find(".scrubber");
  const length = golden("done").now - START;
  expect(scrubber?.getAttribute("aria-valuetext")).toBe("3:05 of 3:05".replaceAll("3:05", clockOf(length)));
  const press = (key: string) => scrubber?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("Home");
  expect(page.of("moment").at(-1)?.payload).toEqual({ at: START, base: 0 });
  await page.acknowledge("moment", whole(1, "planning", START));
  press("PageUp");
  await page.acknowledge("moment", whole(2, "running", START + length / 10));
  expect(page.of("moment").at(-1)?.payload).toEqual({ at: START + length / 10, base: 1 });
  press("ArrowRight");
  await page.acknowledge("moment", whole(3, "running", START + length / 10));
  press(".");
  await page.settle();
  expect(page.of("moment").at(-1)?.payload).toEqual({ seq: golden("running").seq + 1, base: 3 });
  press("End");
  await page.settle();
  expect(page.find(".pill")?.textContent).toBe("Closed");
});

test("a paused view stands still while the run goes on, and says so", async () => {
  vi.useRealTimers();
  page = await opened("running");
  await page.acknowledge("hello");
  await page.press("[data-act=pause]");
  await page.patch([[["run", "goal"], "Something new"]]);
  expect(page.text()).not.toContain("Something new");
  expect(page.find(".pill")?.textContent).toBe("View paused");
  page.find(".board")?.dispatchEvent(new KeyboardEvent("keydown", { key: "p", bubbles: true }));
  await page.settle();
  expect(page.text()).toContain("Something new");
  expect(page.find(".pill")?.textContent).toBe("Live");
});

test("until the picture of a moment has come the clock does not claim it, and a late kernel is told", async () => {
  vi.useRealTimers();
  page = await opened("done");
  const end = page.find(".quotes dd")?.textContent;
  page.find(".scrubber")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
  await page.settle();
  expect(page.find(".quotes dd")?.textContent).toBe(end);
  await page.acknowledge("moment", whole(1, "planning", START));
  expect(page.find(".quotes dd")?.textContent).toContain("0:00");
});

test("a task that was not made yet at that moment is not looked at, and nothing is in its place", async () => {
  vi.useRealTimers();
  page = await opened("done", 600);
  await page.press('[data-task="7"]');
  expect(page.find(".inspector")).not.toBeNull();
  await page.press('[aria-label="One event back"]');
  await page.acknowledge("moment", whole(1, "empty", START));
  expect(page.find(".inspector")).toBeNull();
  expect(page.find(".book")).not.toBeNull();
});

test("an answer that is half written is there again after a look at the past", async () => {
  vi.useRealTimers();
  page = await opened("asking");
  await page.acknowledge("hello");
  const field = () => page?.find(".question input") as HTMLInputElement;
  field().value = "my long answer";
  field().dispatchEvent(new Event("input", { bubbles: true }));
  await page.press('[aria-label="One event back"]');
  await page.acknowledge("moment", whole(1, "running", START + 31));
  expect(page.find(".question")).toBeNull();
  await page.press("[data-act=live]");
  expect(field().value).toBe("my long answer");
});

test("a recording of a run that goes on elsewhere says so and offers nothing to change", async () => {
  vi.useRealTimers();
  page = await opened("asking");
  await page.acknowledge("hello", { recorded: true });
  expect(page.find(".pill")?.textContent).toBe("Recorded so far");
  expect(page.find(".question")).toBeNull();
  expect(page.find("[data-act=cancel]")).toBeNull();
  await page.press('[aria-label="One event back"]');
  expect(page.of("moment").length).toBe(1);
});

function clockOf(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
