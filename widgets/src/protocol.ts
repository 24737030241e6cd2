// What goes over the wire between a view and `conductor_magic/board.py`, and the part of anywidget that we use.

import type { Change } from "./patch";
import type { Detail, Snapshot } from "./snapshot";

/** The whole picture as it was last sent; also the synced trait `snap`. Before a run is attached it is empty. */
export interface Whole {
  readonly n: number;
  readonly snapshot: Snapshot | Record<string, never>;
  readonly lines: Readonly<Record<string, string>>;
}

export interface Ack {
  readonly error?: string;
  readonly detail?: Detail;
}

export type Incoming =
  | ({ readonly kind: "snap" } & Whole)
  | {
      readonly kind: "patch";
      readonly n: number;
      readonly base: number;
      readonly changes: readonly Change[];
      readonly lines: Readonly<Record<string, string>>;
    }
  | ({ readonly kind: "ack"; readonly id: string } & Ack);

/** What can be done to the plan: `conductor_magic/controls.py`. */
export type ControlKind = "cancel_task" | "skip" | "retry" | "tier" | "wait" | "free" | "undo";
export type CommandKind = "hello" | "cancel" | "inspect" | "answer" | ControlKind;

export interface Outgoing {
  readonly kind: CommandKind | "sync";
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** anywidget's model. */
export interface Model {
  get(name: "snap"): Whole;
  on(name: string, callback: (message: Incoming) => void): void;
  off(name: string, callback: (message: Incoming) => void): void;
  send(message: Outgoing): void;
}
