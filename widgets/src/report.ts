// The report of a run (`conductor_magic/report/whole.py`), as it comes, as tables, and as text.

import type { Snapshot } from "./snapshot";
import { clean, clock, line, money, tokens, WORDS } from "./words";

interface Spent {
  readonly requests: number;
  readonly tokens: number;
  readonly usd: number | null;
  readonly list_usd: number;
  readonly estimated: boolean;
}

export interface Report {
  readonly spend: readonly (Spent & { readonly who: string })[];
  readonly total: Spent;
  readonly time: readonly {
    readonly tier: string;
    readonly attempts: number;
    readonly expected: number | null;
    readonly median: number;
    readonly sum: number;
  }[];
  readonly others: number;
  /** How full each context was, and what one agent would have used: the kernel's own words. */
  readonly token_table: Table;
}

/** A table: its first column is text, the others are figures. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences that belong to it: one above, one below; empty where there is none. */
  readonly lead: string;
  readonly note: string;
}

/** What the run came to, as names and values. */
export function figures(snapshot: Snapshot): readonly (readonly [string, string])[] {
  const { run, counts, workers, parallel, spend } = snapshot;
  const others = (["failed", "skipped", "cancelled"] as const).filter((state) => counts[state] > 0);
  const rest = others.map((state) => `, ${counts[state]} ${WORDS[state].toLowerCase()}`).join("");
  const work = Object.values(workers).reduce((sum, worker) => sum + (worker.ended ?? snapshot.now) - worker.started, 0);
  return [
    ["Tasks done", `${counts.completed} of ${snapshot.order.length - counts.cancelled}${rest}`],
    ["Wall time", clock(snapshot.now - run.started)],
    ["One at a time", clock(work)],
    ["Saved in parallel", clock(parallel > 0 ? work - work / parallel : 0)],
    ["Spend", money(spend.usd)],
    ["Tokens", tokens(spend.tokens, spend.estimated)],
  ];
}

export function tables(report: Report): readonly Table[] {
  return [spendTable(report), report.token_table, timeTable(report)];
}

function spendTable({ spend, total }: Report): Table {
  const row = (who: string, spent: Spent) => [
    who,
    String(spent.requests),
    tokens(spent.tokens, spent.estimated),
    money(spent.usd),
  ];
  const list =
    total.usd === 0 && total.list_usd > 0 ? ` At list prices this would have cost ${money(total.list_usd)}.` : "";
  return {
    title: "Spend by tier",
    lead: "",
    head: ["", "Requests", "Tokens", "Spend"],
    rows: [...spend.map((spent) => row(tierName(spent.who), spent)), row("Total", total)],
    note: `${total.estimated ? "Tokens with ~ are estimated." : ""}${list}`.trim(),
  };
}

function timeTable({ time, others }: Report): Table {
  return {
    title: "Time by tier",
    lead: time.length === 0 ? "No attempt completed." : "",
    head: ["", "Done", "Expected", "Median", "Sum"],
    rows: time.map((row) => [
      tierName(row.tier),
      String(row.attempts),
      row.expected === null ? "unknown" : clock(row.expected),
      clock(row.median),
      clock(row.sum),
    ]),
    note: others > 0 ? `Attempts that ended in another way are left out: ${others}.` : "",
  };
}

function tierName(who: string): string {
  return who === "conductor" ? "Conductor" : line(who).toUpperCase();
}

/** The whole report with the answer, to be copied. */
export function reportText(snapshot: Snapshot, report: Report | null): string {
  const { run } = snapshot;
  const named = figures(snapshot);
  const wide = Math.max(...named.map(([name]) => name.length));
  const parts = [line(run.goal, 2_000), named.map(([name, value]) => `${name.padEnd(wide)}  ${value}`).join("\n")];
  if (run.reason !== "") parts.push(run.reason);
  if (report !== null) parts.push(...tables(report).map(tableText));
  if (run.answer !== "") parts.push(`ANSWER\n${run.answer}`);
  return `${clean(parts.join("\n\n"))}\n`;
}

export function tableText(table: Table): string {
  const all = table.rows.length > 0 ? [table.head, ...table.rows] : [];
  const wide = table.head.map((_, at) => Math.max(0, ...all.map((row) => row[at]?.length ?? 0)));
  const rows = all.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(wide[at] ?? 0) : cell.padStart(wide[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return [table.title.toUpperCase(), table.lead, ...rows, table.note].filter((text) => text !== "").join("\n");
}
