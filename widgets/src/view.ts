// What one view of the board looks at: which task, which states, which pane. Nothing of this leaves the page.

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Link } from "./link";
import type { ControlKind } from "./protocol";
import { Replay } from "./replay";
import type { Detail, Snapshot, Task, Worker } from "./snapshot";
import type { State } from "./states";
import { GONE_SECONDS, type Store } from "./store";

/** L: three columns, M: two, S: one pane at a time. The widths are those of the board, not of the window. */
export type Size = "l" | "m" | "s";
export type Tab = "Prompt" | "Transcript" | "Output";
export type Book = "Phases" | "Flow" | "Table";
export type Pane = "Tasks" | "Floor";

/** What each of several questions that are asked together got so far. */
export type Given = Readonly<Record<number, { readonly labels: readonly string[]; readonly other: string }>>;

const AGAIN_MS = 1_000;
const MOST_ZOOM = 4;
const TABS: Readonly<Partial<Record<State, Tab>>> = { blocked: "Prompt", ready: "Prompt", completed: "Output" };

export function sizeOf(width: number): Size {
  if (width >= 1180) return "l";
  return width >= 760 ? "m" : "s";
}

export class View {
  readonly selected: Signal<string | null> = signal(null);
  readonly filter: Signal<State | null> = signal(null);
  readonly tab: Signal<Tab> = signal("Prompt");
  readonly pane: Signal<Pane> = signal("Tasks");
  /** How the tasks are pictured, how large, whether the longest chain is marked, and where the keyboard is in it. */
  readonly book: Signal<Book> = signal("Phases");
  readonly zoom: Signal<number> = signal(1);
  readonly critical: Signal<boolean> = signal(false);
  readonly pointed: Signal<string | null> = signal(null);
  /** The question card is open; matters only where it shares its place with something else. */
  readonly answering: Signal<boolean> = signal(false);
  /** What the kernel refused, in its words. */
  readonly trouble: Signal<string> = signal("");
  /** What was chosen and written of answers that are not sent yet, by question. */
  readonly drafts = new Map<string, Given>();
  /** The questions whose answers are on their way. */
  readonly sent: Signal<ReadonlySet<string>> = signal(new Set());
  /** What the kernel was asked to do and has not answered yet, by a name for each button. */
  readonly acting: Signal<ReadonlySet<string>> = signal(new Set());
  readonly detail: Signal<Detail | null> = signal(null);
  readonly replay: Replay;
  private readonly paused = signal<{ readonly snapshot: Snapshot; readonly at: number } | null>(null);
  private seen: readonly [Task | undefined, Worker | undefined] | null = null;
  private asking = false;
  private again: ReturnType<typeof setTimeout> | undefined;
  private readonly stop: () => void;

  constructor(
    readonly store: Store,
    readonly link: Link,
  ) {
    this.replay = new Replay(store, link, (text) => {
      this.trouble.value = text;
    });
    this.stop = effect(() => this.follow());
  }

  /** The picture that is looked at: a moment of the past, the moment at which the view was paused, or the present. */
  readonly shown: ReadonlySignal<Snapshot | null> = computed(
    () => this.replay.shown.value ?? this.paused.value?.snapshot ?? this.store.snapshot.value,
  );

  /** The moment that is looked at, in epoch seconds. */
  now(): number {
    return this.replay.shownAt.value ?? this.paused.value?.at ?? this.store.now();
  }

  /** Whether the past is looked at, where nothing can be changed. */
  get replaying(): boolean {
    return this.replay.at.value !== null;
  }

  /** Whether nothing can be changed: the past is looked at, or a recording, or there is no kernel any more. */
  get fixed(): boolean {
    return this.replaying || this.store.recorded.value || this.gone;
  }

  /** Whether the kernel has been silent in mid-run for so long that it must be gone. */
  get gone(): boolean {
    return this.store.silence() > GONE_SECONDS;
  }

  get still(): boolean {
    return this.paused.value !== null;
  }

  /** Let the picture stand still, or go on. The run goes on all the same. */
  pause(): void {
    const snapshot = this.store.snapshot.peek();
    this.replay.leave();
    this.paused.value = this.paused.peek() === null && snapshot !== null ? { snapshot, at: this.store.now() } : null;
  }

  /** Back to the present. */
  live(): void {
    this.replay.leave();
    this.paused.value = null;
  }

  /** The tasks to be listed, by id. */
  readonly listed: ReadonlySignal<readonly string[]> = computed(() => {
    const snapshot = this.shown.value;
    const filter = this.filter.value;
    if (snapshot === null) return [];
    return filter === null ? snapshot.order : snapshot.order.filter((id) => snapshot.tasks[id]?.shown === filter);
  });

  /** Look at a task, or at none. */
  inspect(task: string | null): void {
    batch(() => {
      this.detail.value = null;
      this.seen = null;
      this.answering.value = false;
      const state = task === null ? undefined : this.shown.value?.tasks[task]?.shown;
      this.tab.value = (state && TABS[state]) ?? "Transcript";
      this.selected.value = task;
    });
  }

  /** Make the picture of the plan larger or smaller. */
  zoomBy(factor: number): void {
    this.zoom.value = Math.min(MOST_ZOOM, Math.max(1, this.zoom.value * factor));
  }

  /** Look at the next task in this state, after the one that is looked at. */
  next(state: State): void {
    const snapshot = this.shown.value;
    const found = snapshot?.order.filter((id) => snapshot.tasks[id]?.shown === state) ?? [];
    const at = this.selected.value === null ? -1 : found.indexOf(this.selected.value);
    const next = found[(at + 1) % Math.max(1, found.length)];
    if (next !== undefined) this.inspect(next);
  }

  async cancel(): Promise<void> {
    this.trouble.value = (await this.link.request("cancel")).error ?? "";
  }

  /** Do something to the plan; `name` stands in `acting` until the kernel has answered. */
  async act(name: string, kind: ControlKind, payload: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.acting.peek().has(name)) return;
    this.acting.value = new Set([...this.acting.peek(), name]);
    const { error } = await this.link.request(kind, payload);
    batch(() => {
      this.acting.value = new Set([...this.acting.peek()].filter((other) => other !== name));
      this.trouble.value = error ?? "";
    });
  }

  async answer(question: string, answers: Readonly<Record<string, unknown>>): Promise<void> {
    this.sent.value = new Set([...this.sent.value, question]);
    const { error } = await this.link.request("answer", { question, answers });
    if (error !== undefined) {
      this.sent.value = new Set([...this.sent.value].filter((other) => other !== question));
    }
    this.trouble.value = error ?? "";
  }

  close(): void {
    this.stop();
    this.replay.leave();
    clearTimeout(this.again);
  }

  /** Ask for the task that is looked at, and again when it has changed, at most once a second. */
  private follow(): void {
    const task = this.selected.value;
    const snapshot = this.shown.value;
    const past = this.replaying ? { seq: snapshot?.seq } : {};
    const row = task === null ? undefined : snapshot?.tasks[task];
    if (row === undefined || snapshot === null || this.asking) return;
    const worker = row.worker ? snapshot.workers[row.worker] : undefined;
    if (this.seen !== null && this.seen[0] === row && this.seen[1] === worker) return;
    this.seen = [row, worker];
    this.asking = true;
    void this.link.request("inspect", { task, ...past }).then((ack) => {
      if (this.selected.peek() === task) {
        batch(() => {
          this.detail.value = ack.detail ?? this.detail.peek();
          if (ack.error !== undefined) this.trouble.value = ack.error;
        });
      }
      const wait = this.selected.peek() === task ? AGAIN_MS : 0;
      this.again = setTimeout(() => {
        this.asking = false;
        this.follow();
      }, wait);
    });
  }
}
