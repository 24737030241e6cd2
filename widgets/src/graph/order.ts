// What waits for what, as a picture needs it: how deep each task lies, and which arrows say something new.

import type { Snapshot } from "../snapshot";

export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** The number of tasks in the longest chain of blockers before each task. */
export function depths(snapshot: Snapshot): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const start of snapshot.order) {
    const stack = [start];
    while (stack.length > 0) {
      const id = stack.at(-1) as string;
      const before = blockers(snapshot, id);
      const open = before.filter((blocker) => !found.has(blocker));
      if (open.length > 0 && !found.has(id) && stack.length <= snapshot.order.length) {
        stack.push(...open);
        continue;
      }
      stack.pop();
      found.set(id, Math.max(-1, ...before.map((blocker) => found.get(blocker) ?? 0)) + 1);
    }
  }
  return found;
}

/** The dependencies without those that follow from others: of `a → b → c` and `a → c`, the last says nothing new. */
export function reduced(snapshot: Snapshot): readonly Edge[] {
  const known = new Map<string, ReadonlySet<string>>();
  const depth = depths(snapshot);
  const byDepth = [...snapshot.order].sort((a, b) => (depth.get(a) ?? 0) - (depth.get(b) ?? 0));
  for (const id of byDepth) {
    const all = new Set<string>();
    for (const blocker of blockers(snapshot, id)) {
      all.add(blocker);
      for (const earlier of known.get(blocker) ?? []) all.add(earlier);
    }
    known.set(id, all);
  }
  return snapshot.order.flatMap((to) => {
    const direct = blockers(snapshot, to);
    return direct
      .filter((from) => !direct.some((other) => other !== from && known.get(other)?.has(from)))
      .map((from) => ({ from, to }));
  });
}

/** The tasks that wait for this one. */
export function dependents(snapshot: Snapshot, id: string): readonly string[] {
  return snapshot.order.filter((other) => snapshot.tasks[other]?.blocked_by.includes(id));
}

export function blockers(snapshot: Snapshot, id: string): readonly string[] {
  return snapshot.tasks[id]?.blocked_by.filter((blocker) => blocker in snapshot.tasks) ?? [];
}

/** How many tasks cannot go on before these do: they themselves, and all that waits for them. */
export function heldUp(snapshot: Snapshot, tasks: readonly string[]): number {
  const waiting = new Map<string, string[]>();
  for (const id of snapshot.order) {
    for (const blocker of blockers(snapshot, id)) waiting.set(blocker, [...(waiting.get(blocker) ?? []), id]);
  }
  const found = new Set<string>();
  const stack = [...tasks];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (!found.has(id)) stack.push(...(waiting.get(id) ?? []));
    found.add(id);
  }
  return found.size;
}
