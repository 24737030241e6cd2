// Brings what a person does to the kernel: each command has an id and is sent again until it is acknowledged.

import { type ReadonlySignal, signal } from "@preact/signals";
import type { Ack, CommandKind, Outgoing } from "./protocol";

const AGAIN_MS = 1_000;
const BUSY_MS = 3_000;
const BEAT_MS = 250;

interface Pending {
  readonly message: Outgoing;
  readonly resolve: (ack: Ack) => void;
  readonly since: number;
  sentAt: number;
}

export class Link {
  private readonly pending = new Map<string, Pending>();
  private readonly slow = signal(false);
  private readonly tag = Math.random().toString(36).slice(2, 10);
  private timer: ReturnType<typeof setInterval> | undefined;
  private syncedAt = Number.NEGATIVE_INFINITY;
  private count = 0;

  constructor(
    private readonly send: (message: Outgoing) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Whether the kernel has let a person's command wait for three seconds. */
  get busy(): ReadonlySignal<boolean> {
    return this.slow;
  }

  /** Send a command; gives what the kernel answered. A `hello` may wait for ever without anybody being told. */
  request(kind: CommandKind, payload: Readonly<Record<string, unknown>> = {}): Promise<Ack> {
    this.count += 1;
    const message = { kind, id: `${this.tag}-${this.count}`, payload };
    return new Promise((resolve) => {
      const now = this.clock();
      this.pending.set(message.id, { message, resolve, since: now, sentAt: now });
      this.transmit(message);
      this.timer ??= setInterval(() => this.beat(), BEAT_MS);
    });
  }

  /** Ask for the whole picture, at most once a second. */
  sync(): void {
    const now = this.clock();
    if (now - this.syncedAt < AGAIN_MS) return;
    this.syncedAt = now;
    this.transmit({ kind: "sync", id: "", payload: {} });
  }

  acknowledge(id: string, ack: Ack): void {
    const found = this.pending.get(id);
    if (found === undefined) return;
    this.pending.delete(id);
    this.rate();
    found.resolve(ack);
  }

  close(): void {
    this.pending.clear();
    this.rate();
  }

  private beat(): void {
    const now = this.clock();
    for (const waiting of this.pending.values()) {
      if (now - waiting.sentAt >= AGAIN_MS) {
        waiting.sentAt = now;
        this.transmit(waiting.message);
      }
    }
    this.rate();
  }

  private rate(): void {
    const now = this.clock();
    const asked = [...this.pending.values()].filter((waiting) => waiting.message.kind !== "hello");
    this.slow.value = asked.some((waiting) => now - waiting.since >= BUSY_MS);
    if (this.pending.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  private transmit(message: Outgoing): void {
    try {
      this.send(message);
    } catch {
      // There is no kernel now. The command stays pending, and the pill says so.
    }
  }
}
