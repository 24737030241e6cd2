// Words and figures, as `conductor_magic/report/words.py` has them for the static pictures.

import type { Snapshot } from "./snapshot";
import type { State } from "./states";

export const WORDS: Readonly<Record<State, string>> = {
  asking: "Asking",
  failed: "Failed",
  running: "Running",
  ready: "Ready",
  blocked: "Blocked",
  completed: "Done",
  skipped: "Skipped",
  cancelled: "Cancelled",
};

const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: "Claude by the Anthropic API",
  bedrock: "Claude on Amazon Bedrock",
  vertex: "Claude on Google Vertex AI",
  rehearsal: "Rehearsal: a rule-based stand-in, not a model",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -~])?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text without terminal escapes, control characters and writing-direction marks: it looks as it reads. */
export function clean(text: string, limit = 0): string {
  const plain = text.replace(ESCAPES, "").replace(UNSEEN, "");
  return limit > 0 && plain.length > limit ? `${plain.slice(0, limit)}…` : plain;
}

/** On one line. */
export function line(text: string, limit = 300): string {
  return clean(text.slice(0, limit * 4).replace(/\s+/g, " "), limit).trim();
}

/** Every character to be seen, for what a person is asked to allow: `⟨U+202E⟩` where nothing would show. */
export function visible(text: string): string {
  return text.replace(
    UNSEEN,
    (sign) => `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/** `0:42`, `12:05`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `812`, `66.2k`, `1.2M`; with `~` before an estimate. */
export function tokens(count: number, estimated = false): string {
  const mark = estimated ? "~" : "";
  if (count < 1_000) return `${mark}${count}`;
  return count < 999_950 ? `${mark}${(count / 1_000).toFixed(1)}k` : `${mark}${(count / 1_000_000).toFixed(1)}M`;
}

/** Dollars with two digits, three below ten cents; null is an unknown price. */
export function money(usd: number | null): string {
  if (usd === null) return "unknown";
  return usd > 0 && usd < 0.1 ? `$${usd.toFixed(3)}` : `$${usd.toFixed(2)}`;
}

/** `812 bytes`, `34 kB`, `1.2 MB`. */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} bytes`;
  return count < 999_500 ? `${Math.round(count / 1_000)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** `1 task`, `2 tasks`. */
export function count(number: number, one: string): string {
  return number === 1 ? `1 ${one}` : `${number} ${one}s`;
}

/** Who plays, in plain words. */
export function provider(name: string): string {
  return name.startsWith("tape:") ? "A recorded run, played again" : (PROVIDERS[name] ?? line(name));
}

/** What a person must know before trusting the picture: weaker walls, fall-backs, why it ended. */
export function warnings(snapshot: Snapshot): string[] {
  const { run, notes, conductor } = snapshot;
  const texts = [
    run.isolation === "none" ? run.isolation_note : "",
    ...notes.filter((note) => note.level === "warning").map((note) => note.text),
    conductor.error || run.reason,
    conductor.silent && `The conductor: ${conductor.silent}.`,
  ];
  return [...new Set(texts.filter((text) => text !== "").map((text) => line(text)))];
}
