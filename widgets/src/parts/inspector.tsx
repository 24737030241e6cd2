// One task, opened: what exactly its worker was sent, what it said and did, what came out.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { taskText } from "../record";
import type { Attempt, Detail, Snapshot, Task } from "../snapshot";
import type { Tab, View } from "../view";
import { clean, line, money, tokens, WORDS } from "../words";
import { Output } from "./artifacts";
import { Attempts } from "./attempts";
import { Controls } from "./controls";
import { Copy } from "./copy";
import { Glyph } from "./glyph";
import { Prompt } from "./prompt";
import { Cross } from "./question";
import { Span } from "./span";
import { Tier } from "./tier";
import { Transcript } from "./transcript";

const TABS: readonly Tab[] = ["Prompt", "Transcript", "Output"];

export function Inspector({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const id = view.selected.value;
  const task = id === null ? undefined : snapshot.tasks[id];
  if (task === undefined) return null;
  const worker = task.worker === null ? undefined : snapshot.workers[task.worker];
  const over = task.started === null ? null : (task.ended ?? worker?.ended ?? null);
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
        <Span of={view} from={task.started} to={over} expected={worker?.expected ?? 0} />
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
      <Record key={task.id} view={view} snapshot={snapshot} detail={view.detail.value} />
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

/** What is opened is read from its beginning. */
function toTop(sheet: HTMLElement | null): void {
  if (sheet?.parentElement) sheet.parentElement.scrollTop = 0;
}

/** What was recorded of the task, by one of its attempts: the last, until another is chosen. */
function Record({ view, snapshot, detail }: { view: View; snapshot: Snapshot; detail: Detail | null }) {
  const chosen = useSignal<string | null>(null);
  if (detail === null) {
    return (
      <>
        <Tabs view={view} />
        <p class="sheet of">Asking the kernel…</p>
      </>
    );
  }
  const start = snapshot.run.started;
  const attempts = detail.attempt_list;
  const attempt = attempts.find((one) => one.id === chosen.value) ?? attempts.at(-1);
  const tab = view.tab.value;
  return (
    <>
      <Attempts
        view={view}
        attempts={attempts}
        chosen={attempt}
        error={detail.error}
        choose={(worker) => {
          chosen.value = worker;
          if (view.tab.value === "Output") view.tab.value = "Transcript";
        }}
      />
      <Tabs view={view} attempt={attempt}>
        <Copy
          text={() => taskText(detail, attempt, start)}
          word="Copy as text"
          hint="The whole task: prompt, transcript and output"
        />
      </Tabs>
      <div class="sheet" role="tabpanel" key={`${tab} ${attempt?.id}`} ref={toTop}>
        {tab === "Prompt" && <Prompt detail={detail} attempt={attempt} />}
        {tab === "Transcript" && <Transcript task={detail.id} attempt={attempt} start={start} />}
        {tab === "Output" && <Output view={view} snapshot={snapshot} detail={detail} />}
      </div>
    </>
  );
}

function Tabs({
  view,
  attempt,
  children,
}: {
  view: View;
  attempt?: Attempt | undefined;
  children?: ComponentChildren;
}) {
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = TABS[(TABS.indexOf(view.tab.value) + step + TABS.length) % TABS.length];
    if (next === undefined) return;
    view.tab.value = next;
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };
  const rows = attempt === undefined ? 0 : attempt.earlier + attempt.transcript.length;
  return (
    <div class="tabs">
      <div role="tablist" aria-label="About this task" onKeyDown={keys}>
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
            {tab === "Transcript" && rows > 0 && <span class="of"> {rows}</span>}
          </button>
        ))}
      </div>
      {children}
    </div>
  );
}
