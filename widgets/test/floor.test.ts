// @vitest-environment happy-dom

import { afterEach, expect, test } from "vitest";
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
