// The run's past in one view: which moment is shown, and how it plays on. The kernel folds; here only its pictures are kept.

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Link } from "./link";
import { patched } from "./patch";
import type { Moment } from "./protocol";
import type { Snapshot } from "./snapshot";
import type { Store } from "./store";

export const SPEEDS = [1, 2, 4, 8, 16, 32] as const;
const FRAME_MS = 50;

/** Which moment is asked for: a time in epoch seconds, or the number of a record. */
type Asked = { readonly at: number } | { readonly seq: number };

export class Replay {
  readonly speed: Signal<number> = signal(1);
  private readonly moment = signal<number | null>(null);
  private readonly picture = signal<Snapshot | null>(null);
  private readonly plays = signal(false);
  private readonly seen = signal<number | null>(null);
  private n = 0;
  private aim: number | null = null;
  private waiting = false;
  /** Counts how often the present was gone back to. */
  private visit = 0;
  private wanted: Asked | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** `refused` is told what the kernel said when it could not show a moment. */
  constructor(
    private readonly store: Store,
    private readonly link: Link,
    private readonly refused: (text: string) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** The moment that is looked at, in epoch seconds; null: the present. */
  get at(): ReadonlySignal<number | null> {
    return this.moment;
  }

  /** The picture of that moment; null before the first has come. */
  get shown(): ReadonlySignal<Snapshot | null> {
    return this.picture;
  }

  /** The moment of that picture. */
  get shownAt(): ReadonlySignal<number | null> {
    return this.seen;
  }

  get playing(): ReadonlySignal<boolean> {
    return this.plays;
  }

  /** The run's first moment and its last so far. */
  range(): readonly [number, number] {
    const snapshot = this.store.snapshot.value;
    const start = snapshot?.run.started ?? 0;
    return [start, Math.max(start, this.store.now())];
  }

  /** Look at a moment. */
  go(at: number): void {
    const [start, end] = this.range();
    if (start === 0) return;
    this.aim = null;
    this.moment.value = Math.min(end, Math.max(start, at));
    this.want({ at: this.moment.value });
  }

  /** Look at the state after the next record, or the one before. */
  step(by: 1 | -1): void {
    const latest = this.store.snapshot.peek();
    if (latest === null || latest.run.started === 0) return;
    const from = this.aim ?? (this.picture.peek() ?? latest).seq;
    this.pause();
    this.moment.value ??= this.range()[1];
    // Presses that come faster than the pictures count all the same.
    this.aim = Math.min(latest.seq, Math.max(1, from + by));
    this.want({ seq: this.aim });
  }

  /** Go to the next milestone after the moment that is looked at. */
  nextMilestone(): void {
    const at = this.moment.peek();
    const next = this.store.snapshot
      .peek()
      ?.marks.find((mark) => mark.kind === "milestone" && mark.at > (at ?? Number.NEGATIVE_INFINITY) + 0.001);
    if (next !== undefined) this.go(next.at);
  }

  /** Play on from the moment that is looked at; from the beginning when that is the present or the end. */
  play(): void {
    const [start, end] = this.range();
    if (start === 0 || this.plays.peek()) return;
    const at = this.moment.peek();
    this.go(at === null || at >= end - 0.05 ? start : at);
    this.plays.value = true;
    let before = this.clock();
    this.timer = setInterval(() => {
      const now = this.clock();
      const next = (this.moment.peek() ?? start) + ((now - before) / 1_000) * this.speed.peek();
      before = now;
      if (next < this.range()[1]) this.go(next);
      else this.arrive();
    }, FRAME_MS);
  }

  pause(): void {
    clearInterval(this.timer);
    this.plays.value = false;
  }

  /** Back to the present. */
  leave(): void {
    this.pause();
    batch(() => {
      this.moment.value = null;
      this.picture.value = null;
      this.seen.value = null;
    });
    this.wanted = null;
    this.aim = null;
    this.n = 0;
    this.visit += 1;
  }

  /** The end of what there is: the present of a run that goes on, the last moment of one that is over. */
  private arrive(): void {
    this.pause();
    if (this.store.snapshot.peek()?.run.status === "running") this.leave();
    else this.go(this.range()[1]);
  }

  /** Ask for a moment; of those that are wanted meanwhile only the last is asked for next. */
  private want(asked: Asked): void {
    if (this.waiting) {
      this.wanted = asked;
      return;
    }
    this.waiting = true;
    const { visit } = this;
    void this.link.request("moment", { ...asked, base: this.n }).then(({ moment, error }) => {
      this.waiting = false;
      // What was asked for before the present was gone back to is no longer wanted, even if the past is looked at again.
      if (visit !== this.visit) {
        if (this.moment.peek() === null) return;
      } else if (moment !== undefined) this.take(moment, asked);
      else {
        this.leave();
        this.refused(error ?? "The kernel does not know that moment.");
      }
      const next = this.wanted;
      this.wanted = null;
      if (next !== null) this.want(next);
    });
  }

  private take(moment: Moment, asked: Asked): void {
    const before = this.picture.peek();
    const picture =
      moment.snapshot ?? (before && moment.base === this.n ? patched(before, moment.changes ?? []) : null);
    this.n = picture === null ? 0 : moment.n;
    if (picture === null) {
      this.wanted ??= asked;
      return;
    }
    batch(() => {
      this.picture.value = picture;
      this.seen.value = moment.at;
      if (this.wanted === null) this.aim = null;
      if ("seq" in asked) this.moment.value = moment.at;
    });
  }
}
