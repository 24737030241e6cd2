// @vitest-environment happy-dom

import { afterEach, expect, test } from "vitest";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  page?.end();
  page = undefined;
});

async function inspecting(task: string, name = "edited"): Promise<Opened> {
  page = await opened(name);
  await page.press(`[data-task="${task}"]`);
  await page.acknowledge("inspect");
  return page;
}

const offered = (here: Opened) =>
  [...here.root.querySelectorAll(".controls [data-act]")].map((found) => found.getAttribute("data-act"));
const sentTo = (here: Opened, kind: string) => here.of(kind).map((message) => message.payload);

async function choose(here: Opened, act: string, value: string): Promise<void> {
  const select = here.find(`[data-act="${act}"]`) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await here.settle();
}

test("each state offers what can be done in it, and nothing else", async () => {
  expect(offered(await inspecting("8"))).toEqual([
    "tier",
    "skip",
    "cancel_task",
    "free",
    "free",
    "free",
    "free",
    "wait",
  ]);
  page?.end();
  expect(offered(await inspecting("3"))).toEqual(["skip", "cancel_task"]);
  page?.end();
  expect(offered(await inspecting("4", "failed"))).toEqual(["retry", "retry", "skip", "cancel_task"]);
  page?.end();
  expect(offered(await inspecting("1"))).toEqual([]);
  page?.end();
  expect(offered(await inspecting("7", "done"))).toEqual([]);
});

test("a press sends one command, however often, until it is answered", async () => {
  const here = await inspecting("3");
  await here.press('[data-act="cancel_task"]');
  await here.press('[data-act="cancel_task"]');
  expect(sentTo(here, "cancel_task")).toEqual([{ task: "3" }]);
  expect(here.find('[data-act="cancel_task"]')?.textContent).toBe("Cancel task…");
  await here.acknowledge("cancel_task", { error: "#3 is completed already." });
  expect(here.text()).toContain("#3 is completed already.");
  expect((here.find('[data-act="cancel_task"]') as HTMLButtonElement).disabled).toBe(false);
});

test("a failed task is tried again on its own tier or the next", async () => {
  const here = await inspecting("4", "failed");
  await here.press('[data-act="retry"]');
  await here.acknowledge("retry");
  await here.press('[data-act="retry"]:nth-child(2)');
  expect(sentTo(here, "retry")).toEqual([{ task: "4" }, { task: "4", tier: "opus" }]);
});

test("tier and dependencies are changed in place, and the latest edit is taken back", async () => {
  const here = await inspecting("8");
  await choose(here, "tier", "haiku");
  await choose(here, "wait", "2");
  await here.acknowledge("wait");
  await here.press('[data-act="free"]');
  await here.press('[data-act="undo"]');
  expect(sentTo(here, "tier")).toEqual([{ task: "8", tier: "haiku" }]);
  expect(sentTo(here, "wait")).toEqual([{ task: "8", blocker: "2" }]);
  expect(sentTo(here, "free")).toEqual([{ task: "8", blocker: "6" }]);
  expect(sentTo(here, "undo")).toEqual([{ edit: 70 }]);
  expect(here.find('[data-act="undo"]')?.textContent).toContain("#8: it waits for #5");
});

test("a letter typed to find an entry of a list is no key of the board", async () => {
  const here = await inspecting("8");
  const key = new KeyboardEvent("keydown", { key: "f", bubbles: true });
  here.find('[data-act="tier"]')?.dispatchEvent(key);
  await here.settle();
  expect(here.find(".inspector")?.getAttribute("aria-label")).toBe("Task 8");
});

test("a refusal stays to be read while the task is asked about anew, and goes with the next command", async () => {
  const here = await inspecting("8");
  await choose(here, "wait", "2");
  await here.acknowledge("wait", { error: "That would be a cycle: 8 waits for 2 waits for 8." });
  await here.patch([[["tasks", "8", "reason"], "Otherwise"]]);
  await new Promise((later) => setTimeout(later, 1_100));
  await here.acknowledge("inspect");
  expect(here.find('.trouble[role="alert"]')?.textContent).toContain("That would be a cycle");
  await choose(here, "tier", "haiku");
  await here.acknowledge("tier");
  expect(here.find(".trouble")).toBeNull();
});
