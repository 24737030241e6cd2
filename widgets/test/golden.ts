// The golden snapshots that pytest keeps true: the same files are painted here.

/// <reference types="vite/client" />
import { type Detail, detailShape, type Snapshot, snapshotShape } from "../src/snapshot";

const SNAPSHOTS = byName(import.meta.glob("../../tests/golden/snapshots/*.json", { eager: true, import: "default" }));
const DETAILS = byName(import.meta.glob("../../tests/golden/details/*.json", { eager: true, import: "default" }));

const CASES = import.meta.glob("../../tests/golden/markdown.json", { eager: true, import: "default" });

/** Texts and the blocks that they are, which the static board's reader in Python is held to as well. */
export const MARKDOWN = Object.values(CASES)[0] as readonly { name: string; text: string; blocks: unknown }[];

export const NAMES: readonly string[] = Object.keys(SNAPSHOTS);

export function golden(name: string): Snapshot {
  return structuredClone(SNAPSHOTS[name]) as Snapshot;
}

/** Inspected tasks by id, with the field that `board.py` adds on the way. */
export function goldenDetails(name: string): Record<string, Detail> {
  const details = structuredClone(DETAILS[name]) as Record<string, { attempt_list: { earlier: number }[] }>;
  for (const attempt of Object.values(details).flatMap((detail) => detail.attempt_list)) attempt.earlier = 0;
  return details as unknown as Record<string, Detail>;
}

function byName(files: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(files).map(([path, data]) => [path.replace(/.*\/(.*)\.json/, "$1"), data]));
}

export { detailShape, snapshotShape };
