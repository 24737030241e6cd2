// One task, opened: what exactly its worker was sent, what it said and did, what came out.

import { useSignal } from "@preact/signals";
import type { Detail, Row, Snapshot, Task } from "../snapshot";
import type { Tab, View } from "../view";
import { clean, clock, line, money, tokens, WORDS } from "../words";
import { Controls } from "./controls";
import { Glyph } from "./glyph";
import { Markdown } from "./markdown";
import { Cross } from "./question";
import { Span } from "./span";
import { Tier } from "./tier";

const TABS: readonly Tab[] = ["Prompt", "Transcript", "Output"];

export function Inspector({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const id = view.selected.value;
  const task = id === null ? undefined : snapshot.tasks[id];
  if (task === undefined) return null;
  const worker = task.worker === null ? undefined : snapshot.workers[task.worker];
  const over = task.started === null ? null : (task.ended ?? worker?.ended ?? null);
  const detail = view.detail.value;
  return (
    <section class="inspector" aria-label={`Task ${task.id}`}>
      <div class="heading">
        <Glyph state={task.shown} />
        <h3 title={line(task.subject)}>{line(task.subject, 200)}</h3>
        <button type="button" class="icon" aria-label="Close the task" onClick={() => view.inspect(null)}>
          <Cross />
        </button>
      </div>
      <p class="facts">
        <span>#{task.id}</span>
        <b class="state" data-state={task.shown}>
          {WORDS[task.shown]}
        </b>
        <Tier tier={task.tier} />
        {worker !== undefined && <span>desk {worker.desk}</span>}
        <Span store={view.store} from={task.started} to={over} expected={worker?.expected ?? 0} />
        {task.tokens > 0 && (
          <span>
            {tokens(task.tokens)} tokens, {money(task.usd)}
          </span>
        )}
        {task.attempts > 1 && <span>attempt {task.attempts}</span>}
      </p>
      {task.reason !== "" && (
        <p class="facts of">
          Why {task.tier.toUpperCase()}: {line(task.reason)}
        </p>
      )}
      <Hold view={view} task={task} />
      <Controls view={view} snapshot={snapshot} task={task} />
      <Tabs view={view} detail={detail} />
      {detail === null ? (
        <p class="sheet of">Asking the kernel…</p>
      ) : (
        <Sheet key={`${task.id} ${view.tab.value}`} view={view} detail={detail} start={snapshot.run.started} />
      )}
    </section>
  );
}

/** Why the task does not go on, if so. */
function Hold({ view, task }: { view: View; task: Task }) {
  if (task.error !== "") return <p class="fault">{clean(task.error, 2_000)}</p>;
  if (task.waits_for.length === 0) return null;
  return (
    <p class="hold">
      Waits for{" "}
      {task.waits_for.map((id) => (
        <button key={id} type="button" class="link" onClick={() => view.inspect(id)}>
          #{id}
        </button>
      ))}
    </p>
  );
}

function Tabs({ view, detail }: { view: View; detail: Detail | null }) {
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = TABS[(TABS.indexOf(view.tab.value) + step + TABS.length) % TABS.length];
    if (next === undefined) return;
    view.tab.value = next;
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };
  const rows = detail?.attempt_list.reduce((sum, attempt) => sum + attempt.earlier + attempt.transcript.length, 0);
  return (
    <div class="tabs" role="tablist" aria-label="About this task" onKeyDown={keys}>
      {TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          aria-selected={view.tab.value === tab}
          tabIndex={view.tab.value === tab ? 0 : -1}
          onClick={() => (view.tab.value = tab)}
        >
          {tab}
          {tab === "Transcript" && rows !== undefined && <span class="of"> {rows}</span>}
        </button>
      ))}
    </div>
  );
}

function Sheet({ view, detail, start }: { view: View; detail: Detail; start: number }) {
  const tab = view.tab.value;
  if (tab === "Transcript") return <Transcript detail={detail} start={start} />;
  const text = tab === "Prompt" ? detail.prompt : detail.output;
  const empty =
    tab === "Output"
      ? "The report appears here when the task is done."
      : "The conductor has not handed this task out yet. It wrote this about it:";
  return (
    <div class="sheet" role="tabpanel">
      {text === "" ? (
        <p class="of">{empty}</p>
      ) : (
        <>
          <Copy text={text} />
          {tab === "Prompt" && !detail.sent && <p class="of">Not sent yet.</p>}
        </>
      )}
      {tab === "Prompt" ? <pre>{clean(text || detail.description)}</pre> : <Markdown text={text} />}
      {tab === "Output" && detail.artifacts.length > 0 && (
        <p class="of">Artifacts: {detail.artifacts.map((name) => line(name)).join(", ")}</p>
      )}
    </div>
  );
}

function Transcript({ detail, start }: { detail: Detail; start: number }) {
  if (detail.attempt_list.length === 0) {
    return (
      <p class="sheet of" role="tabpanel">
        No worker has begun.
      </p>
    );
  }
  return (
    <div class="sheet" role="tabpanel">
      {detail.attempt_list.map((attempt) => (
        <div key={attempt.id}>
          {detail.attempt_list.length > 1 && (
            <h4>
              Attempt {attempt.attempt}: {attempt.outcome ?? "at work"}
            </h4>
          )}
          {attempt.earlier > 0 && (
            <p class="of">
              {attempt.earlier} earlier entries. The whole transcript is result["{detail.id}"].transcript.
            </p>
          )}
          <ol class="log">
            {attempt.transcript.map((row, index) => (
              <Entry key={attempt.earlier + index} row={row} start={start} />
            ))}
          </ol>
          {attempt.error !== "" && <p class="fault">{clean(attempt.error, 2_000)}</p>}
        </div>
      ))}
    </div>
  );
}

function Entry({ row, start }: { row: Row; start: number }) {
  const text = clean(row.text ?? "");
  return (
    <li data-kind={row.kind} data-error={row.error === true || row.kind === "refused"}>
      <time>{clock(row.at - start)}</time>
      <div>
        {row.kind === "call" && (
          <p>
            <b>{line(row.name ?? "", 60)}</b> {line(row.argument ?? "", 200)}
          </p>
        )}
        {row.kind === "result" && <pre>{text === "" ? "(nothing)" : text}</pre>}
        {row.kind === "refused" && (
          <p>
            <b>{line(row.name ?? "", 60)}</b> was refused: {text}
          </p>
        )}
        {row.kind === "told" && <p class="of">Told: {text}</p>}
        {row.kind === "thought" && <p class="of">{text}</p>}
        {row.kind === "said" && <p>{text}</p>}
      </div>
    </li>
  );
}

/** Copies the text exactly as it is, not as it is shown. */
export function Copy({ text }: { text: string }) {
  const done = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      done.value = "Copied";
    } catch {
      done.value = "Select it and copy: the page may not";
    }
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      {done.value || "Copy"}
    </button>
  );
}
