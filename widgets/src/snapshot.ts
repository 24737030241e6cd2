// The contract with `conductor_magic/snapshot.py`: what a snapshot and an inspected task look like.

import { any, type Data, flag, list, map, maybe, number, one, record, type Shape, text } from "./shape";
import { STATES, TIERS } from "./states";

const state = one(...STATES);
const tier = one(...TIERS);

const spend = {
  requests: number,
  input_tokens: number,
  output_tokens: number,
  cache_read_tokens: number,
  cache_write_tokens: number,
  tokens: number,
  usd: maybe(number),
  list_usd: number,
  estimated: flag,
};

const run = record({
  id: text,
  goal: text,
  status: one("running", "completed", "partial", "failed", "cancelled", "planned", "interrupted"),
  provider: text,
  provider_note: text,
  mode: text,
  workers: number,
  timeout: maybe(number),
  isolation: text,
  isolation_note: text,
  started: number,
  ended: maybe(number),
  cancelled_by: text,
  cap: text,
  reason: text,
  answer: text,
  signature: text,
});

const conductor = record({
  status: one("waiting", "thinking", "asking", "sleeping", "failed"),
  model: text,
  turns: number,
  context_tokens: number,
  peak_tokens: number,
  window: number,
  /** Moment and size of its context after each request. */
  contexts: list(list(number)),
  compactions: number,
  /** What it does, and which guides there are or were read, while there is no task. */
  drafting: text,
  error: text,
  /** How long nothing was heard of its model, in words. */
  silent: text,
  spend: record(spend),
});

const taskFields = {
  id: text,
  subject: text,
  status: state,
  shown: state,
  phase: text,
  tier,
  reason: text,
  launched: flag,
  blocked_by: list(text),
  waits_for: list(text),
  worker: maybe(text),
  attempts: number,
  started: maybe(number),
  ended: maybe(number),
  tokens: number,
  usd: maybe(number),
  artifacts: list(text),
  error: text,
};
const task = record(taskFields);

const workerFields = {
  id: text,
  task: text,
  attempt: number,
  desk: number,
  tier,
  model: text,
  started: number,
  ended: maybe(number),
  expected: number,
  outcome: maybe(one("completed", "failed", "timeout", "limit", "refused", "cancelled")),
  error: text,
  stalled: text,
  waits: text,
  tool: maybe(record({ name: text, argument: text, busy: flag })),
  tokens: number,
  usd: maybe(number),
  context_tokens: number,
};
const worker = record(workerFields);

const phase = record({ name: text, done: number, total: number, failed: number });

/** One of the questions of an `AskUserQuestion` call; the model wrote it, so any field may be missing. */
export interface Ask {
  readonly question: string;
  readonly header?: string;
  readonly options?: readonly { readonly label: string; readonly description?: string }[];
  readonly multiSelect?: boolean;
  /** What is shown beside a permission question: the difference that a write makes. */
  readonly detail?: string;
}

const question = record({
  id: text,
  about: one("scope", "permission"),
  by: text,
  task: maybe(text),
  tasks: list(text),
  asked: number,
  answered: maybe(number),
  answered_by: text,
  ask: list(any as Shape<Ask>),
  answers: map(any),
});

/** Versions of one file that collided: `who` and `diffs` go together. */
const conflict = record({
  id: text,
  path: text,
  tasks: list(text),
  who: list(text),
  diffs: list(text),
  sure: flag,
  found: number,
  resolved: maybe(number),
  by: text,
  how: text,
});

/** A person's edit of the plan that can be taken back. */
const edit = record({ seq: number, task: text, text });

const tapeLine = record({ seq: number, at: number, mark: state, task: text, text });

export const snapshotShape = record({
  version: number,
  seq: number,
  now: number,
  run,
  conductor,
  spend: record({ ...spend, held: number, committed: number, budget: maybe(number) }),
  /** Until when all requests wait for the provider, and why. */
  paused: maybe(record({ until: number, reason: text })),
  parallel: number,
  /** Seconds until the last task is expected to be done. */
  rest: maybe(number),
  counts: record({
    asking: number,
    failed: number,
    running: number,
    ready: number,
    blocked: number,
    completed: number,
    skipped: number,
    cancelled: number,
  }),
  phases: list(phase),
  order: list(text),
  tasks: map(task),
  /** What a plan's tasks will probably take and cost; of a run that is no plan there is none. */
  plan: maybe(
    record({
      critical_path: list(text),
      seconds: maybe(number),
      usd: maybe(number),
      tiers: list(record({ tier, tasks: number, seconds: maybe(number), usd: maybe(number) })),
    }),
  ),
  critical: list(text),
  edits: list(edit),
  workers: map(worker),
  questions: list(question),
  conflicts: list(conflict),
  artifacts: list(record({ name: text, task: text, mime: text, size: number })),
  marks: list(record({ kind: one("milestone", "question", "compaction"), at: number, text })),
  notes: list(record({ at: number, text, level: one("info", "warning") })),
  tape: list(tapeLine),
});

/** One line of a transcript. Which fields there are beside `at` and `kind` depends on the kind. */
export interface Row {
  readonly at: number;
  readonly kind: "said" | "thought" | "call" | "result" | "refused" | "told";
  readonly name?: string;
  readonly argument?: string;
  /** All arguments of a call, as text. */
  readonly arguments?: string;
  readonly text?: string;
  readonly error?: boolean;
  readonly seconds?: number;
  readonly use?: string;
}

export const detailShape = record({
  ...taskFields,
  description: text,
  prompt: text,
  sent: flag,
  output: text,
  files: list(record({ path: text, action: one("created", "edited") })),
  comments: list(text),
  attempt_list: list(
    record({
      ...workerFields,
      reason: text,
      prompt: text,
      tools: list(text),
      transcript: list(any as Shape<Row>),
      earlier: number,
    }),
  ),
});

export type Snapshot = Data<typeof snapshotShape>;
export type Task = Data<typeof task>;
export type Worker = Data<typeof worker>;
export type Question = Data<typeof question>;
export type Phase = Data<typeof phase>;
export type Detail = Data<typeof detailShape>;
export type Attempt = Detail["attempt_list"][number];
