// A task as plain text: the parts of its prompt, and everything that was recorded of it, to be copied.

import type { Attempt, Detail, Row } from "./snapshot";
import { clean, clock, count, line, money, tokens, WORDS } from "./words";

export const OUTCOMES: Readonly<Record<string, string>> = {
  completed: "Done",
  failed: "Failed",
  timeout: "Timed out",
  limit: "Reached a limit",
  refused: "Refused",
  cancelled: "Cancelled",
};

export interface Parts {
  /** Sent to every worker. */
  readonly preamble: string;
  /** Written by the conductor. */
  readonly task: string;
  /** Added for this worker: variables, earlier results, the workspace, what to return. */
  readonly added: string;
}

const PREAMBLE = /^CONTEXT: You are a WORKER agent[^\n]*\n[\s\S]*?\nTASK:\n/;
const ADDED = /\n\n(?:NOTEBOOK VARIABLES|RESULTS OF EARLIER TASKS|AN EARLIER ATTEMPT FAILED|WORKSPACE)\n/;

/** The parts of a prompt as `conductor_magic/prompts.py` puts it together; joined, they are the prompt. */
export function parts(prompt: string): Parts {
  const preamble = PREAMBLE.exec(prompt)?.[0] ?? "";
  const rest = prompt.slice(preamble.length);
  const at = preamble === "" ? -1 : rest.search(ADDED);
  return at < 0
    ? { preamble, task: rest, added: "" }
    : { preamble, task: rest.slice(0, at + 2), added: rest.slice(at + 2) };
}

export function outcome(attempt: Attempt): string {
  return attempt.outcome === null ? "At work" : (OUTCOMES[attempt.outcome] ?? line(attempt.outcome));
}

/** Everything about a task, with one of its attempts; `start` is when the run began. */
export function taskText(detail: Detail, attempt: Attempt | undefined, start: number): string {
  const tier = detail.tier.toUpperCase();
  const facts = [WORDS[detail.shown], tier];
  if (detail.started !== null && detail.ended !== null) facts.push(clock(detail.ended - detail.started));
  if (detail.tokens > 0) facts.push(`${tokens(detail.tokens)} tokens`, money(detail.usd));
  if (detail.attempts > 1) facts.push(count(detail.attempts, "attempt"));
  const head = [`#${detail.id} ${line(detail.subject)}`, facts.join(", ")];
  if (detail.reason !== "") head.push(`Why ${tier}: ${detail.reason}`);
  if (detail.error !== "") head.push(`Error: ${detail.error}`);
  if (detail.waits_for.length > 0) head.push(`Waits for: ${detail.waits_for.map((id) => `#${id}`).join(", ")}`);
  const prompt = attempt?.prompt ?? detail.prompt;
  const sections = [head.join("\n"), section("PROMPT", prompt || detail.description)];
  if (attempt !== undefined) {
    const title = `TRANSCRIPT, attempt ${attempt.attempt}: ${outcome(attempt)}`;
    const earlier = attempt.earlier > 0 ? [`(${attempt.earlier} earlier entries are in the result)`] : [];
    const rows = attempt.transcript.map((row) => rowText(row, start));
    sections.push(section(title, [...earlier, ...rows, attempt.error].filter((text) => text !== "").join("\n")));
  }
  sections.push(section("OUTPUT", detail.output));
  sections.push(section("FILES", detail.files.map((file) => `${file.path} (${file.action})`).join("\n")));
  sections.push(section("ARTIFACTS", detail.artifacts.join("\n")));
  return `${clean(sections.filter((text) => text !== "").join("\n\n"))}\n`;
}

function section(title: string, text: string): string {
  return text === "" ? "" : `${title}\n${text}`;
}

function rowText(row: Row, start: number): string {
  const text = row.text ?? "";
  const said: Readonly<Record<Row["kind"], string>> = {
    said: text,
    thought: `(thought) ${text}`,
    call: `${row.name}: ${row.arguments ?? row.argument ?? ""}`,
    result: `${row.error === true ? "Error" : "Result"}: ${text || "(nothing)"}`,
    refused: `${row.name} was refused: ${text}`,
    told: `Told: ${text}`,
  };
  const [first, ...more] = said[row.kind].split("\n");
  const time = clock(row.at - start).padStart(7);
  return [`${time}  ${first}`, ...more.map((rest) => `${" ".repeat(9)}${rest}`)].join("\n");
}
