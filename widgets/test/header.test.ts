// @vitest-environment happy-dom

import { afterEach, expect, test, vi } from "vitest";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  page?.end();
  page = undefined;
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
