// What the conductor, or a worker's tool, asks a person: options as buttons, keys 1 to 4, or an answer in own words.

import { useSignal } from "@preact/signals";
import { heldUp } from "../graph/order";
import type { Ask, Question, Snapshot } from "../snapshot";
import type { Given, View } from "../view";
import { clean, count, line, visible } from "../words";
import { Glyph } from "./glyph";
import { Span } from "./span";

/** The questions that wait, oldest first. */
export function waiting(snapshot: Snapshot | null): readonly Question[] {
  if (snapshot === null || snapshot.run.status !== "running") return [];
  return snapshot.questions.filter((question) => question.answered === null);
}

/** One line instead of the card, where the place is needed for something else. */
export function QuestionBar({ view, snapshot }: { view: View; snapshot: Snapshot }) {
  const [question] = waiting(snapshot);
  if (question === undefined) return null;
  return (
    <div class="askbar" data-state="asking">
      <Glyph state="asking" />
      <span>{line(question.ask[0]?.question ?? "", 200)}</span>
      <button type="button" data-act="open-question" onClick={() => (view.answering.value = true)}>
        Answer
      </button>
    </div>
  );
}

export function QuestionCard({ view, snapshot, closable }: { view: View; snapshot: Snapshot; closable: boolean }) {
  const open = waiting(snapshot);
  const question = open[0];
  if (question === undefined) return null;
  const who =
    question.tasks.length === 0
      ? "The conductor asks"
      : question.tasks.length > 1
        ? `${question.tasks.length} workers ask`
        : "A worker asks";
  return (
    <section class="question" data-state="asking" aria-label="Question">
      <div class="asker">
        <Glyph state="asking" />
        <b>{who}</b>
        {open.length > 1 && <span class="of">and {open.length - 1} more</span>}
        {question.tasks.map((task) => (
          <button key={task} type="button" class="link" onClick={() => view.inspect(task)}>
            #{task}
          </button>
        ))}
        {question.tasks.length > 0 && (
          <span class="of">holds up {count(heldUp(snapshot, question.tasks), "task")}</span>
        )}
        <span class="age">
          <Span of={view} from={question.asked} to={null} />
        </span>
        {closable && (
          <button
            type="button"
            class="icon"
            aria-label="Close the question"
            onClick={() => (view.answering.value = false)}
          >
            <Cross />
          </button>
        )}
      </div>
      {view.sent.value.has(question.id) ? (
        <p class="of">Sent. Waiting for it to be picked up.</p>
      ) : (
        <Form key={question.id} view={view} question={question} />
      )}
    </section>
  );
}

const NOTHING = { labels: [] as readonly string[], other: "" };

function Form({ view, question }: { view: View; question: Question }) {
  // The card may go and come back, as when the past is looked at meanwhile.
  const draft = view.drafts.get(question.id);
  const step = useSignal(0);
  const given = useSignal<Given>(draft ?? {});
  const asks = question.ask;
  const ask = asks[step.value];
  if (ask === undefined) return null;
  const mine = given.value[step.value] ?? NOTHING;
  const many = ask.multiSelect === true;
  const last = step.value === asks.length - 1;
  const ready = answered(mine);
  // A tool's question shows every character; the conductor's is prose.
  const show = (text: string) => (question.about === "permission" ? visible(text) : clean(text));

  const set = (labels: readonly string[], other: string) => {
    given.value = { ...given.value, [step.value]: { labels, other } };
    view.drafts.set(question.id, given.value);
  };
  const go = () => {
    if (!answered(given.value[step.value] ?? NOTHING)) return;
    if (last) {
      void view.answer(question.id, collected(asks, given.value));
    } else {
      step.value += 1;
    }
  };
  const choose = (label: string) => {
    if (many) {
      const without = mine.labels.filter((other) => other !== label);
      set(without.length < mine.labels.length ? without : [...mine.labels, label], mine.other);
    } else {
      set([label], "");
      go();
    }
  };
  const keys = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const option = /^[1-9]$/.test(event.key) ? ask.options?.[Number(event.key) - 1] : undefined;
    if (option !== undefined) {
      event.preventDefault();
      choose(option.label);
    }
  };
  return (
    <div class="form" role="group" aria-label="Answer" onKeyDown={keys}>
      {asks.length > 1 && (
        <p class="of">
          {step.value + 1} of {asks.length}
          {ask.header ? `: ${line(ask.header, 40)}` : ""}
        </p>
      )}
      <p class="asked">{show(ask.question)}</p>
      {ask.detail ? <pre class="difference">{show(ask.detail)}</pre> : null}
      {many && <p class="of">Several are possible.</p>}
      <div class="options">
        {(ask.options ?? []).map((option, index) => (
          <button
            key={`${step.value} ${index}`}
            type="button"
            class="option"
            data-option={index + 1}
            aria-pressed={mine.labels.includes(option.label)}
            onClick={() => choose(option.label)}
          >
            <span>
              <b>{show(option.label)}</b>
              {option.description ? <span class="of">{show(option.description)}</span> : null}
            </span>
            <span class="key" aria-hidden="true">
              {index + 1}
            </span>
          </button>
        ))}
      </div>
      <form
        class="other"
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        {step.value > 0 && (
          <button type="button" onClick={() => (step.value -= 1)}>
            Back
          </button>
        )}
        <input
          type="text"
          value={mine.other}
          placeholder="Or answer in your own words"
          aria-label="Answer in your own words"
          onInput={(event) => set(many ? mine.labels : [], event.currentTarget.value)}
          onKeyDown={(event) => {
            // Not left to the browser: in JupyterLab's page, Enter in a field submits no form.
            if (event.key !== "Enter" || event.isComposing) return;
            event.preventDefault();
            go();
          }}
        />
        <button type="submit" data-act="send" disabled={!ready}>
          {last ? "Send" : "Next"}
        </button>
      </form>
    </div>
  );
}

function answered(given: { readonly labels: readonly string[]; readonly other: string }): boolean {
  return given.labels.length > 0 || given.other.trim() !== "";
}

/** By question text: a label or own words; a list where several are possible. */
function collected(asks: readonly Ask[], given: Given): Record<string, unknown> {
  return Object.fromEntries(
    asks.map((ask, index) => {
      const { labels, other } = given[index] ?? NOTHING;
      const all = other.trim() === "" ? labels : [...labels, other.trim()];
      return [ask.question, ask.multiSelect ? all : (all[0] ?? "")];
    }),
  );
}

export function Cross() {
  return (
    <svg viewBox="0 0 18 18" width="16" height="16" aria-hidden="true">
      <path d="M4.5 4.5l9 9M13.5 4.5l-9 9" />
    </svg>
  );
}
