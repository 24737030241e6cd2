import { expect, test } from "vitest";
import { misfits } from "../src/shape";
import { detailShape, golden, goldenDetails, NAMES, snapshotShape } from "./golden";

test.each(NAMES)("the snapshot of %s has exactly the fields that the types know", (name) => {
  expect(misfits(golden(name), snapshotShape)).toEqual([]);
});

test.each(NAMES)("the inspected tasks of %s have exactly the fields that the types know", (name) => {
  expect(Object.values(goldenDetails(name)).flatMap((detail) => misfits(detail, detailShape))).toEqual([]);
});

test("a field that the types do not know, or that is not there, is found", () => {
  const { seq, ...rest } = golden("running");
  const changed = { ...rest, sequence: seq, run: { ...rest.run, status: "dancing" } };
  expect(misfits(changed, snapshotShape)).toEqual([
    "$.sequence is unknown",
    "$.seq is missing",
    "$.run.status is dancing",
  ]);
});
