// @vitest-environment happy-dom

import { afterEach, expect, test } from "vitest";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  page?.end();
  page = undefined;
});

async function picture(name = "running"): Promise<{ here: Opened; key: (key: string) => Promise<void> }> {
  page = await opened(name);
  await page.press('[data-book="Phases"]');
  const here = page;
  const key = async (name: string) => {
    here.find(".plan")?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
    await here.settle();
  };
  here.find(".plan")?.dispatchEvent(new FocusEvent("focus"));
  await here.settle();
  return { here, key };
}

const said = (here: Opened) => here.find("#cursor")?.textContent ?? "";

test("the keyboard goes along the plan, each task is described, and Enter opens it", async () => {
  const { here, key } = await picture();
  expect(said(here)).toBe("Task 1, Schema and types, Done, HAIKU, Survey");
  await key("]");
  expect(said(here)).toMatch(/^Task 2, Missing values, Done/);
  await key("End");
  expect(said(here)).toBe("Task 8, Synthesis, Blocked, OPUS, Report, waiting on #4, #6, #7");
  await key("[");
  expect(said(here)).toMatch(/^Task 4,/);
  await key("Enter");
  expect(here.find(".inspector")?.getAttribute("aria-label")).toBe("Task 4");
});

test("letters choose the picture, and many tasks offer no flow", async () => {
  const { here, key } = await picture();
  await key("d");
  expect(here.find('[data-book="Flow"]')?.getAttribute("aria-pressed")).toBe("true");
  await key("t");
  expect(here.find('[role="table"]')).not.toBeNull();
  expect(here.find(".plan")).toBeNull();
});

test("zoom stays between the whole and four times", async () => {
  const { here, key } = await picture();
  for (let press = 0; press < 12; press += 1) await key("+");
  expect(here.find(".plan")).not.toBeNull();
  await key("0");
  await key("-");
  expect(here.text()).not.toMatch(/NaN|undefined/);
});

test("before there is a task the picture says what is going on", async () => {
  const { here } = await picture("planning");
  expect(here.text()).toContain("Drafting the plan");
});
