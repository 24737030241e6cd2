// @vitest-environment happy-dom

import { afterEach, expect, test, vi } from "vitest";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  page?.end();
  page = undefined;
});

/** What the head says beside its facts, a piece each. */
const alerts = () => [...(page?.root.querySelectorAll(".facts .alert") ?? [])].map((alert) => alert.textContent);

test("a wait for the provider and a silent conductor are told of in the head until they are over", async () => {
  page = await opened("running");
  const before = alerts();
  await page.patch([[["paused"], { until: 1_767_225_600 + 4_000, reason: "rate limited" }]]);
  expect(alerts()[0]).toMatch(/^The run waits for the provider, \d+:\d\d(:\d\d)? more \(rate limited\)\.$/);
  await page.patch(
    [
      [["paused"], null],
      [["conductor", "silent"], "nothing was heard of its model for 90 s"],
    ],
    3,
  );
  expect(alerts()).toEqual([...before, "The conductor: nothing was heard of its model for 90 s."]);
});

/** Ask for a task, and let four seconds go by without an answer. */
async function unanswered(name: string): Promise<string> {
  page = await opened(name);
  await page.acknowledge("hello");
  await page.press("[data-task]");
  const later = performance.now() + 4_000;
  vi.spyOn(performance, "now").mockReturnValue(later);
  await new Promise((done) => setTimeout(done, 300));
  await page.settle();
  return `${page.find(".pill")?.textContent}: ${page.find(".facts .alert")?.textContent}`;
}

test("a kernel that does not answer is told of: as busy in mid-run, in a word beside it when the run is over", async () => {
  expect(await unanswered("running")).toBe(
    "Kernel busy: The kernel has not answered yet. To stop at once, interrupt the kernel.",
  );
  vi.restoreAllMocks();
  page?.end();
  expect(await unanswered("done")).toBe("Closed: The kernel has not answered yet.");
});
