import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Link } from "../src/link";
import type { Outgoing } from "../src/protocol";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function linked() {
  const sent: Outgoing[] = [];
  const link = new Link(
    (message) => sent.push(message),
    () => Date.now(),
  );
  return { link, sent };
}

test("a command is sent again each second, with the same id, until it is acknowledged", async () => {
  const { link, sent } = linked();
  const answer = link.request("inspect", { task: "1" });
  vi.advanceTimersByTime(2_100);
  expect(sent.length).toBe(3);
  expect(new Set(sent.map((message) => message.id)).size).toBe(1);
  link.acknowledge(sent[0]?.id ?? "", { error: "no" });
  expect(await answer).toEqual({ error: "no" });
  vi.advanceTimersByTime(5_000);
  expect(sent.length).toBe(3);
  expect(vi.getTimerCount()).toBe(0);
});

test("the kernel counts as busy after three seconds without an acknowledgement, but not for a hello", () => {
  const { link, sent } = linked();
  void link.request("hello");
  vi.advanceTimersByTime(4_000);
  expect(link.busy.value).toBe(false);
  void link.request("cancel");
  vi.advanceTimersByTime(2_500);
  expect(link.busy.value).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(link.busy.value).toBe(true);
  link.acknowledge(sent.find((message) => message.kind === "cancel")?.id ?? "", {});
  expect(link.busy.value).toBe(false);
});

test("a dead connection throws nothing, and asking for the whole picture is rationed", () => {
  const broken = new Link(() => {
    throw new Error("no kernel");
  });
  expect(() => broken.sync()).not.toThrow();
  const { link, sent } = linked();
  link.sync();
  link.sync();
  vi.advanceTimersByTime(1_000);
  link.sync();
  expect(sent.map((message) => message.kind)).toEqual(["sync", "sync"]);
});
