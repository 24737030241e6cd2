// Files over which tasks collided: whose versions, how they differ, and how it was settled.

import type { Snapshot } from "../snapshot";
import { clean, line } from "../words";

export function Conflicts({ snapshot }: { snapshot: Snapshot }) {
  const { conflicts } = snapshot;
  if (conflicts.length === 0) return null;
  const open = conflicts.filter((conflict) => conflict.resolved === null).length;
  return (
    <section class="conflicts" aria-label="Conflicts">
      <h3>
        Conflicts <span class="of">{open > 0 ? `${open} not settled` : "all settled"}</span>
      </h3>
      {conflicts.map((conflict) => (
        <details key={conflict.id} open={conflict.resolved === null}>
          <summary>
            {line(conflict.path, 300)}: {line(conflict.who.join(" and "), 200)}{" "}
            {conflict.sure ? "collided" : "perhaps collided"};{" "}
            {conflict.resolved === null ? "not settled yet" : `settled: ${line(conflict.how, 200)}`}
          </summary>
          {conflict.diffs.map((diff, index) => (
            <pre key={conflict.who[index] ?? index}>{clean(diff, 4_000)}</pre>
          ))}
        </details>
      ))}
    </section>
  );
}
