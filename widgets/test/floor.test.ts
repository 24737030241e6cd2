// @vitest-environment happy-dom

import { afterEach, expect, test } from "vitest";
import { golden } from "./golden";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  page?.end();
  page = undefined;
});

const shown = () =>
  [...(page?.root.querySelectorAll(".desk .where span") ?? [])].map((desk) => Number(desk.textContent));

test("of very many desks only those in sight are in the page, and scrolling brings the others", async () => {
  page = await opened("running");
  await page.patch([[["run", "workers"], 200]]);
  const list = page.find(".floor ul");
  expect(shown()[0]).toBe(1);
  expect(shown().length).toBeLessThan(50);
  if (list) list.scrollTop = 150 * 30;
  list?.dispatchEvent(new Event("scroll"));
  await page.settle();
  expect(shown()).toContain(151);
  expect(shown()).not.toContain(1);
  const spaces = [...(list?.querySelectorAll<HTMLElement>("li[aria-hidden]") ?? [])];
  const heights = spaces.map((space) => Number.parseFloat(space.style.height));
  expect(heights.reduce((sum, height) => sum + height, 30 * shown().length)).toBe(200 * 30);
});

test("a few desks are all there", async () => {
  page = await opened("running");
  await page.patch([[["run", "workers"], 12]]);
  expect(shown()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test("a worker of whom no time is expected has no bar and is not late", async () => {
  page = await opened("running");
  const worker = Object.values(golden("running").workers).find((one) => one.outcome === null);
  const desk = () => page?.find(`.desk:nth-child(${(worker?.desk ?? 0) + 1})`);
  expect(desk()?.querySelectorAll(".bar").length).toBe(1);
  await page.patch([[["workers", worker?.id ?? "", "expected"], 0]]);
  expect(desk()?.querySelectorAll(".bar").length).toBe(0);
  expect(desk()?.querySelectorAll("[data-late=true]").length).toBe(0);
});

test("an unknown price has no list price beside it", async () => {
  page = await opened("running");
  const title = () => [...(page?.root.querySelectorAll(".quotes > div") ?? [])].map((one) => one.getAttribute("title"));
  expect(title().join()).toContain("At list price");
  await page.patch([[["spend", "usd"], null]]);
  expect(title().join()).not.toContain("list price");
});
