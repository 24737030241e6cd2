// A plan, as figures, as tables, and as text: what its tasks will probably take and cost.

import { type Table, tableText } from "./report";
import type { Snapshot } from "./snapshot";
import { clean, clock, count, line, money } from "./words";

export type Plan = NonNullable<Snapshot["plan"]>;

const MOST_ROWS = 40;

/** What the plan comes to, as names and values. */
export function planFigures(snapshot: Snapshot, plan: Plan): readonly (readonly [string, string])[] {
  return [
    ["Tasks", String(plan.tiers.reduce((sum, tier) => sum + tier.tasks, 0))],
    ["Workers at once", `up to ${snapshot.run.workers}`],
    ["Expected time", about(plan.seconds)],
    ["Expected cost", plan.usd === null ? "unknown" : `about ${money(plan.usd)}`],
    ["Spent on the plan", money(snapshot.spend.usd)],
  ];
}

export function chain(plan: Plan): string {
  return `Takes longest: ${plan.critical_path.map((task) => `#${task}`).join(" → ")}.`;
}

export function planTables(snapshot: Snapshot, plan: Plan): readonly Table[] {
  const tasks = snapshot.order.flatMap((id) => snapshot.tasks[id] ?? []).filter((task) => task.shown !== "cancelled");
  const left = tasks.length - MOST_ROWS;
  return [
    {
      title: "Time and cost by tier",
      lead: "",
      head: ["", "Tasks", "One takes", "All cost"],
      rows: plan.tiers.map((tier) => [
        line(tier.tier).toUpperCase(),
        String(tier.tasks),
        about(tier.seconds),
        money(tier.usd),
      ]),
      note: "What the conductor needs comes on top.",
    },
    {
      title: "Tiers and reasons",
      lead: "",
      head: ["", "Tier", "Why"],
      rows: tasks
        .slice(0, MOST_ROWS)
        .map((task) => [`#${task.id} ${line(task.subject, 120)}`, task.tier.toUpperCase(), line(task.reason) || "–"]),
      note: left > 0 ? `${count(left, "more task")}; all are in result.tasks.` : "",
    },
  ];
}

/** The whole plan, to be copied. */
export function planText(snapshot: Snapshot, plan: Plan): string {
  const named = planFigures(snapshot, plan);
  const wide = Math.max(...named.map(([name]) => name.length));
  const figures = named.map(([name, value]) => `${name.padEnd(wide)}  ${value}`).join("\n");
  const tables = planTables(snapshot, plan).map(tableText);
  const parts = [line(snapshot.run.goal, 2_000), figures, chain(plan), ...tables, snapshot.run.answer];
  return `${clean(parts.filter((part) => part !== "").join("\n\n"))}\n`;
}

function about(seconds: number | null): string {
  return seconds === null ? "unknown" : `about ${clock(seconds)}`;
}
