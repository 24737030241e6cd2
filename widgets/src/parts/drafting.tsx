// What stands in the place of the tasks while there are none.

import type { Snapshot } from "../snapshot";

export function Drafting({ snapshot }: { snapshot: Snapshot }) {
  const over = snapshot.run.status !== "running";
  return (
    <div class="drafting">
      <h3>{over ? "No task" : "Drafting the plan"}</h3>
      <p>
        {over
          ? "The run ended before there was a task."
          : "The conductor is splitting the goal into tasks. They appear here as it writes them."}
      </p>
      <p>{snapshot.conductor.drafting}</p>
    </div>
  );
}
