// What goes over the wire between a view and `conductor_magic/board.py`, and the part of anywidget that we use.

import type { Change } from "./patch";
import type { Preview } from "./preview";
import type { Report } from "./report";
import type { Detail, Snapshot } from "./snapshot";

/** The whole picture as it was last sent; also the synced trait `snap`. Before a run is attached it is empty. */
export interface Whole {
  readonly n: number;
  readonly snapshot: Snapshot | Record<string, never>;
  readonly lines: Readonly<Record<string, string>>;
}

/** The picture of a moment: whole, or as what changes in the picture number `base`. */
export interface Moment {
  readonly n: number;
  readonly seq: number;
  readonly at: number;
  readonly snapshot?: Snapshot;
  readonly base?: number;
  readonly changes?: readonly Change[];
}

export interface Ack {
  /** The board shows a recording. */
  readonly recorded?: boolean;
  readonly moment?: Moment;
  readonly error?: string;
  readonly detail?: Detail;
  readonly preview?: Preview;
  readonly report?: Report;
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
export type CommandKind = "hello" | "cancel" | "inspect" | "answer" | "moment" | "artifact" | "report" | ControlKind;

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
