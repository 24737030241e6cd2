// Applies what `snapshot.diff` in Python found. The given snapshot stays as it is; what did not change is shared.

/** `[path, value]` sets, `[path]` removes. */
export type Change = readonly [path: readonly string[], value?: unknown];
type Tree = Record<string, unknown>;

export function patched<T extends object>(before: T, changes: readonly Change[]): T {
  const after = { ...before } as Tree;
  const fresh = new Set<object>([after]);
  for (const change of changes) {
    const [path] = change;
    const key = path[path.length - 1];
    if (key === undefined) continue;
    const holder = opened(after, path, fresh);
    if (change.length === 2) {
      holder[key] = change[1];
    } else {
      delete holder[key];
    }
  }
  return after as T;
}

/** The object that holds the end of `path`, every object on the way to it copied once. */
function opened(root: Tree, path: readonly string[], fresh: Set<object>): Tree {
  let at = root;
  for (const step of path.slice(0, -1)) {
    let next = at[step] as Tree | undefined;
    if (next === undefined || !fresh.has(next)) {
      next = { ...next };
      fresh.add(next);
      at[step] = next;
    }
    at = next;
  }
  return at;
}
