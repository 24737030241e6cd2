// The whole board: which region stands where at which width, and the keys that work anywhere in it.

import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Snapshot } from "../snapshot";
import type { Pane, Size, View } from "../view";
import { Bell } from "./bell";
import { Conflicts } from "./conflicts";
import { Trouble } from "./controls";
import { Quotes, Rail } from "./figures";
import { Floor } from "./floor";
import { Books, Graph } from "./graph";
import { Header } from "./header";
import { Inspector } from "./inspector";
import { PlanCard } from "./plan";
import { QuestionBar, QuestionCard, waiting } from "./question";
import { Announcer, Tape } from "./tape";
import { Chips, Tasks } from "./tasks";
import { Timeline } from "./timeline";

interface Props {
  view: View;
  size: ReadonlySignal<Size>;
  dark: ReadonlySignal<boolean>;
}

export function Board({ view, size, dark }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const snapshot = view.shown.value;
  // A moment of the past may be before the task.
  const inspecting = view.selected.value !== null && view.selected.value in (snapshot?.tasks ?? {});
  return (
    <div
      ref={root}
      class="board"
      role="region"
      aria-label="Conductor board"
      tabIndex={-1}
      data-size={size.value}
      data-theme={dark.value ? "dark" : "light"}
      data-inspecting={inspecting}
      onKeyDown={(event) => press(event, view, root.current)}
    >
      {snapshot === null ? (
        <div class="opening">
          <span class="pill" data-look="quiet">
            Connecting
          </span>
          <h2>Opening the floor</h2>
          <p class="of">The board appears as soon as the kernel answers.</p>
        </div>
      ) : (
        <Open view={view} snapshot={snapshot} size={size.value} dark={dark.value} inspecting={inspecting} />
      )}
    </div>
  );
}

interface OpenProps {
  view: View;
  snapshot: Snapshot;
  size: Size;
  dark: boolean;
  inspecting: boolean;
}

function Open({ view, snapshot, size, dark, inspecting }: OpenProps) {
  const asked = !view.fixed && waiting(snapshot).length > 0;
  const over = snapshot.run.status !== "running";
  const last = snapshot.plan !== null ? "Plan" : over ? "Closing bell" : "Floor";
  const narrow = size !== "l" && inspecting;
  const small = size === "s";
  // Where the question shares its place, it is a line with a button until somebody wants to answer.
  const card = asked && (view.answering.value || !(narrow || (small && view.pane.value === "Tasks")));
  const bar = asked && !card;
  const pane = small ? (card ? "Floor" : view.pane.value) : null;
  return (
    <>
      <Header view={view} snapshot={snapshot} />
      <div class="figures">
        <Rail view={view} snapshot={snapshot} />
        <Quotes view={view} snapshot={snapshot} />
      </div>
      <div class="places">
        {(!small || (!inspecting && pane === "Tasks")) && (
          <div class="book">
            <div class="bookhead">
              {small && <Panes view={view} asked={asked} pane="Tasks" last={last} />}
              <Books view={view} snapshot={snapshot} />
              <Chips view={view} snapshot={snapshot} />
            </div>
            {view.book.value === "Table" ? (
              <Tasks view={view} snapshot={snapshot} />
            ) : (
              <Graph view={view} snapshot={snapshot} dark={dark} />
            )}
          </div>
        )}
        {(size === "l" || !inspecting || card) && (!small || pane === "Floor") && (
          <div class="side">
            {small && (
              <div class="bookhead">
                <Panes view={view} asked={asked} pane="Floor" last={last} />
              </div>
            )}
            {card && <QuestionCard view={view} snapshot={snapshot} closable={narrow || small} />}
            <Conflicts snapshot={snapshot} />
            {snapshot.plan !== null ? (
              <PlanCard snapshot={snapshot} plan={snapshot.plan} />
            ) : over ? (
              <Bell view={view} snapshot={snapshot} />
            ) : (
              <Floor view={view} snapshot={snapshot} />
            )}
          </div>
        )}
        {inspecting && (size === "l" || !card) && <Inspector view={view} snapshot={snapshot} />}
        {bar && <QuestionBar view={view} snapshot={snapshot} />}
      </div>
      <Trouble view={view} />
      <Timeline view={view} dark={dark} />
      <Tape snapshot={snapshot} />
      <Announcer snapshot={snapshot} />
    </>
  );
}

function Panes({ view, asked, pane, last }: { view: View; asked: boolean; pane: Pane; last: string }) {
  const choose = (to: Pane) => {
    view.pane.value = to;
    view.answering.value = false;
  };
  return (
    <fieldset class="panes" aria-label="Show">
      {(["Tasks", "Floor"] as const).map((name) => (
        <button key={name} type="button" aria-pressed={pane === name} onClick={() => choose(name)}>
          {name === "Floor" ? last : name}
          {name === "Floor" && asked && <i class="dot" role="img" aria-label="a question waits" />}
        </button>
      ))}
    </fieldset>
  );
}

const BOOKS = { g: "Phases", d: "Flow", t: "Table" } as const;

/** Keys that work wherever the focus is inside the board, but for text fields. */
function press(event: KeyboardEvent, view: View, root: HTMLElement | null): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (typing && event.key !== "Escape") return;
  const jumps = { f: "failed", r: "running", a: "asking" } as const;
  if (event.key === "Escape") {
    if (view.answering.value) view.answering.value = false;
    else view.inspect(null);
  } else if (event.key in jumps) {
    view.next(jumps[event.key as keyof typeof jumps]);
  } else if (event.key in BOOKS) {
    view.book.value = BOOKS[event.key as keyof typeof BOOKS];
  } else if (event.key === "+" || event.key === "-") {
    view.zoomBy(event.key === "+" ? 1.25 : 0.8);
  } else if (event.key === "p") {
    view.pause();
  } else if (event.key === "l") {
    view.live();
  } else if (event.key === "0") {
    view.zoom.value = 1;
  } else if (event.key === "q") {
    view.answering.value = true;
    requestAnimationFrame(() => root?.querySelector<HTMLElement>(".option")?.focus());
  } else {
    return;
  }
  event.preventDefault();
}
