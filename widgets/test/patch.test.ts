import { expect, test } from "vitest";
import { patched } from "../src/patch";

test("sets, adds and removes at any depth, and leaves what was given alone", () => {
  const before = { a: { b: 1, c: { d: 2 } }, e: [1, 2], f: { g: 3 } };
  const copy = structuredClone(before);
  const after = patched(before, [
    [["a", "b"], 5],
    [["a", "c", "d"]],
    [["e"], [3]],
    [["h"], { i: null }],
    [["h", "i"], 1],
  ]);
  expect(after).toEqual({ a: { b: 5, c: {} }, e: [3], f: { g: 3 }, h: { i: 1 } });
  expect(before).toEqual(copy);
});

test("what did not change is the same object, so that nothing is drawn for it", () => {
  const before = { a: { b: 1 }, f: { g: 3 } };
  const after = patched(before, [[["a", "b"], 2]]);
  expect(after.f).toBe(before.f);
  expect(after.a).not.toBe(before.a);
});
