// The card of a run that ends with its plan: what it will probably take and cost, and how to run it.

import { chain, type Plan, planFigures, planTables, planText } from "../plan";
import type { Snapshot } from "../snapshot";
import { Part } from "./bell";
import { Copy } from "./copy";
import { Markdown } from "./markdown";

export function PlanCard({ snapshot, plan }: { snapshot: Snapshot; plan: Plan }) {
  const { answer } = snapshot.run;
  return (
    <section class="bell" aria-label="Plan">
      <h3>
        <span>
          Plan <span class="of">No worker has started</span>
        </span>
        <Copy
          text={() => planText(snapshot, plan)}
          word="Copy as text"
          hint="The figures, the tasks and their reasons"
        />
      </h3>
      <dl>
        {planFigures(snapshot, plan).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="hold">
        {chain(plan)} <code>%conduct go</code> runs this plan.
      </p>
      <div class="reports">
        {planTables(snapshot, plan).map((table) => (
          <Part key={table.title} table={table} />
        ))}
      </div>
      {answer !== "" && (
        <div class="answer">
          <Markdown text={answer} />
        </div>
      )}
    </section>
  );
}
