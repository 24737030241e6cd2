// What the page knows of one run: one store for each model, shared by all its views.

import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { patched } from "./patch";
import type { Incoming, Whole } from "./protocol";
import type { Snapshot } from "./snapshot";

/** How long a kernel may be silent in mid-run before it counts as gone; it sends something every four seconds. */
export const GONE_SECONDS = 15;

export class Store {
  private readonly picture = signal<Snapshot | null>(null);
  private readonly said = signal<Readonly<Record<string, string>>>({});
  private readonly heard = signal(false);
  private readonly kept = signal(false);
  private readonly tick = signal(0);
  private n = -1;
  private receivedAt = 0;
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

  /** Whether this is a recording: nothing more will come, whatever the run does. */
  get recorded(): ReadonlySignal<boolean> {
    return this.kept;
  }

  /** Seconds since the kernel was last heard of, when it should have been: it sends something every few seconds. */
  silence(): number {
    const tick = this.tick.value;
    const going = this.picture.value?.run.status === "running" && this.heard.value && !this.kept.value;
    return going ? Math.max(0, tick - this.heardAt) : 0;
  }

  /** The kernel's time now, going on between two pictures; in epoch seconds. */
  now(): number {
    const tick = this.tick.value;
    const picture = this.picture.value;
    if (picture === null) return 0;
    if (picture.run.ended !== null || !this.heard.value || this.kept.value) return picture.now;
    const gone = this.silence() > GONE_SECONDS ? this.silence() : 0;
    return picture.now + Math.max(0, tick - this.receivedAt - gone);
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
    this.show(snapshot, whole.lines);
  }

  takePatch(patch: Incoming & { kind: "patch" }): void {
    this.hear();
    const picture = this.picture.value;
    if (patch.n <= this.n) return;
    if (picture === null || patch.base !== this.n) {
      this.ask();
      return;
    }
    this.n = patch.n;
    const lines = Object.keys(patch.lines).length > 0 ? { ...this.said.value, ...patch.lines } : this.said.value;
    this.show(patched(picture, patch.changes), lines);
  }

  private show(snapshot: Snapshot, lines: Readonly<Record<string, string>>): void {
    this.receivedAt = this.clock();
    batch(() => {
      this.picture.value = snapshot;
      this.said.value = lines;
      this.beat();
    });
  }
}
