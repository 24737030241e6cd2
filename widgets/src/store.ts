// What the page knows of one run: one store for each model, shared by all its views.

import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { patched } from "./patch";
import type { Incoming, Whole } from "./protocol";
import type { Snapshot } from "./snapshot";

/** How long a kernel may be silent in mid-run before it counts as gone; it sends something every four seconds. */
export const GONE_SECONDS = 15;

/** From one picture to the next, at the least: eyes read no faster, and the page has other work too. */
export const PICTURE_SECONDS = 0.14;

interface Received {
  readonly snapshot: Snapshot;
  readonly lines: Readonly<Record<string, string>>;
  /** By this page's clock, in seconds. */
  readonly at: number;
}

export class Store {
  private readonly picture = signal<Snapshot | null>(null);
  private readonly said = signal<Readonly<Record<string, string>>>({});
  private readonly heard = signal(false);
  private readonly kept = signal(false);
  private readonly rang = signal(false);
  private readonly tick = signal(0);
  private n = -1;
  /** What was received last; the signals follow it, a little later when much comes at once. */
  private latest: Received | null = null;
  private receivedAt = 0;
  private shownAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heardAt = 0;

  /** `ask` is called when a patch is missing and the whole picture is needed. */
  constructor(
    private readonly ask: () => void,
    private readonly clock: () => number = () => performance.now() / 1000,
  ) {}

  get snapshot(): ReadonlySignal<Snapshot | null> {
    return this.picture;
  }

  /** The last line that each worker's model streamed, by worker. */
  get lines(): ReadonlySignal<Readonly<Record<string, string>>> {
    return this.said;
  }

  /** Whether the kernel has sent or acknowledged anything since this page opened. */
  get alive(): ReadonlySignal<boolean> {
    return this.heard;
  }

  /** Whether the run completed before the eyes of this page. */
  get completed(): ReadonlySignal<boolean> {
    return this.rang;
  }

  /** Whether this is a recording: nothing more will come, whatever the run does. */
  get recorded(): ReadonlySignal<boolean> {
    return this.kept;
  }

  /** Seconds since the kernel was last heard of, when it should have been: it sends something every few seconds. */
  silence(): number {
    const going = this.picture.value?.run.status === "running" && this.heard.value && !this.kept.value;
    return going ? Math.max(0, this.tick.value - this.heardAt) : 0;
  }

  /** The kernel's time now, going on between two pictures; in epoch seconds. */
  now(): number {
    const picture = this.picture.value;
    if (picture === null) return 0;
    // The tick is not read where time stands: whoever reads it is drawn anew twice a second.
    if (picture.run.ended !== null || !this.heard.value || this.kept.value) return picture.now;
    const gone = this.silence() > GONE_SECONDS ? this.silence() : 0;
    return picture.now + Math.max(0, this.tick.value - this.receivedAt - gone);
  }

  /** Let the clock move on. */
  beat(): void {
    this.tick.value = this.clock();
  }

  /** Mark the kernel as there. */
  hear(): void {
    this.heard.value = true;
    this.heardAt = this.clock();
  }

  /** Mark what is shown as a recording. */
  keep(): void {
    this.kept.value = true;
  }

  /** Take the whole picture, unless a newer one is there already. */
  takeWhole(whole: Whole): void {
    if (whole.n < this.n || !("run" in whole.snapshot)) return;
    const snapshot = whole.snapshot as Snapshot;
    this.n = whole.n;
    this.receive(snapshot, whole.lines);
  }

  takePatch(patch: Incoming & { kind: "patch" }): void {
    this.hear();
    if (patch.n <= this.n) return;
    if (this.latest === null || patch.base !== this.n) {
      this.ask();
      return;
    }
    this.n = patch.n;
    const { snapshot, lines } = this.latest;
    const said = Object.keys(patch.lines).length > 0 ? { ...lines, ...patch.lines } : lines;
    this.receive(patched(snapshot, patch.changes), said);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private receive(snapshot: Snapshot, lines: Readonly<Record<string, string>>): void {
    const at = this.clock();
    this.latest = { snapshot, lines, at };
    if (this.timer !== undefined) return;
    const wait = this.shownAt + PICTURE_SECONDS - at;
    if (wait <= 0) this.show();
    else this.timer = setTimeout(() => this.show(), wait * 1_000);
  }

  private show(): void {
    this.timer = undefined;
    const { latest } = this;
    if (latest === null) return;
    this.shownAt = this.clock();
    this.receivedAt = latest.at;
    batch(() => {
      const before = this.picture.peek()?.run.status;
      if (before === "running" && latest.snapshot.run.status === "completed") this.rang.value = true;
      this.picture.value = latest.snapshot;
      this.said.value = latest.lines;
      this.beat();
    });
  }
}
