// The closing bell: what came of the run, once it is over, with the report of what it took.

import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { figures, type Report, reportText, type Table, tables } from "../report";
import type { Snapshot } from "../snapshot";
import type { View } from "../view";
import { line } from "../words";
import { Copy } from "./copy";
import { Markdown } from "./markdown";

const WORD: Readonly<Record<Snapshot["run"]["status"], string>> = {
  running: "",
  completed: "Everything is done",
  partial: "Done in part",
  failed: "The run failed",
  cancelled: "The run was cancelled",
  planned: "The plan is ready",
  interrupted: "The run was interrupted",
};

export function Bell({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const { run } = snapshot;
  const report = useSignal<Report | null>(null);
  useLayoutEffect(() => {
    let here = true;
    void view.link.request("report").then((ack) => {
      if (here) report.value = ack.report ?? null;
    });
    return () => {
      here = false;
    };
  }, [run.ended]);
  return (
    <section class="bell" aria-label="Closing bell">
      <h3>
        <span>
          <Ring swing={view.store.completed.value && !view.replaying} /> Closing bell{" "}
          <span class="of">{WORD[run.status]}</span>
        </span>
        <Copy
          text={() => reportText(snapshot, report.peek())}
          word="Copy as text"
          hint="The figures, the report and the answer"
        />
      </h3>
      <dl>
        {figures(snapshot).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {run.reason !== "" && <p class="hold">{line(run.reason, 600)}</p>}
      {report.value !== null && (
        <div class="reports">
          {tables(report.value).map((table) => (
            <Part key={table.title} table={table} />
          ))}
        </div>
      )}
      {run.answer !== "" && (
        <div class="answer">
          <h4>
            Answer <Copy text={() => run.answer} hint="The answer as it was written" />
          </h4>
          <Markdown text={run.answer} />
        </div>
      )}
      <p class="of">{run.signature}</p>
    </section>
  );
}

/** Swings once when the run completes, unless a person wants less motion. */
function Ring({ swing }: { swing: boolean }) {
  return (
    <svg class="ring" data-swing={swing} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M8 2a4 4 0 0 1 4 4v3l1.5 2.5h-11L4 9V6a4 4 0 0 1 4-4zM6.5 13.5h3" />
    </svg>
  );
}

export function Part({ table }: { table: Table }) {
  return (
    <details class="report">
      <summary>{table.title}</summary>
      {table.lead !== "" && <p>{table.lead}</p>}
      {table.rows.length > 0 && (
        <table>
          <thead>
            <tr>
              {table.head.map((name, at) =>
                name === "" ? (
                  <td key={at} />
                ) : (
                  <th key={at} scope="col" class={at > 0 ? "num" : undefined}>
                    {name}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, place) => (
              <tr key={place}>
                {row.map((cell, at) =>
                  at === 0 ? (
                    <th key={at} scope="row">
                      {cell}
                    </th>
                  ) : (
                    <td key={at} class="num">
                      {cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {table.note !== "" && <p class="of">{table.note}</p>}
    </details>
  );
}
