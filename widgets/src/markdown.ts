// Reads the Markdown that models write into a tree of plain values. Whatever is not understood stays text.

export type Inline =
  | { readonly kind: "text" | "code"; readonly text: string }
  | { readonly kind: "strong" | "em" | "del"; readonly parts: readonly Inline[] }
  | { readonly kind: "link"; readonly parts: readonly Inline[]; readonly url: string; readonly host: string };

export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly parts: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly parts: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | null; readonly items: readonly (readonly Block[])[] }
  | {
      readonly kind: "table";
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly kind: "rule" };

const DEEPEST = 8;
const AHEAD = 1_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)/;
const DASHES = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function markdown(text: string, depth = 0): readonly Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const fence = FENCE.exec(line)?.[1];
    const heading = HEADING.exec(line);
    if (line.trim() === "") at += 1;
    else if (fence !== undefined) {
      const last = until(lines, at + 1, (one) => one.trim().startsWith(fence) && /^[`~]+$/.test(one.trim()));
      blocks.push({ kind: "code", text: lines.slice(at + 1, last).join("\n") });
      at = last + 1;
    } else if (heading !== null) {
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, parts: inline(heading[2] ?? "") });
      at += 1;
    } else if (RULE.test(line)) {
      blocks.push({ kind: "rule" });
      at += 1;
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      const end = until(lines, at, (one) => !QUOTE.test(one));
      const inner = lines.slice(at, end).map((one) => one.replace(QUOTE, ""));
      blocks.push({ kind: "quote", blocks: markdown(inner.join("\n"), depth + 1) });
      at = end;
    } else if (ITEM.test(line) && depth < DEEPEST) {
      const [list, end] = listAt(lines, at, depth);
      blocks.push(list);
      at = end;
    } else if (line.includes("|") && DASHES.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-")) {
      const end = until(lines, at + 2, (one) => !one.includes("|"));
      const rows = lines.slice(at + 2, end).map((one) => cells(one));
      blocks.push({ kind: "table", head: cells(line), rows });
      at = end;
    } else {
      const end = until(lines, at + 1, (one) => one.trim() === "" || starts(one, depth));
      blocks.push({ kind: "paragraph", parts: inline(lines.slice(at, end).join("\n").trim()) });
      at = end;
    }
  }
  return blocks;
}

function starts(line: string, depth: number): boolean {
  const nested = depth < DEEPEST && (QUOTE.test(line) || ITEM.test(line));
  return nested || FENCE.test(line) || HEADING.test(line) || RULE.test(line);
}

function until(lines: readonly string[], from: number, stop: (line: string) => boolean): number {
  let at = from;
  while (at < lines.length && !stop(lines[at] ?? "")) at += 1;
  return at;
}

/** A list with what is indented below its items. */
function listAt(lines: readonly string[], from: number, depth: number): [Block, number] {
  const first = ITEM.exec(lines[from] ?? "");
  const indent = first?.[1]?.length ?? 0;
  const numbered = /\d/.test(first?.[2] ?? "");
  const items: (readonly Block[])[] = [];
  let at = from;
  while (at < lines.length) {
    const mark = ITEM.exec(lines[at] ?? "");
    if (mark === null || (mark[1]?.length ?? 0) !== indent || /\d/.test(mark[2] ?? "") !== numbered) break;
    const own = [(lines[at] ?? "").slice(mark[0].length)];
    at += 1;
    while (at < lines.length) {
      const line = lines[at] ?? "";
      const blank = line.trim() === "";
      const deeper = /^\s*/.exec(line)?.[0].length ?? 0;
      if (blank ? !/^\s{2,}\S/.test(lines[at + 1] ?? "") : deeper <= indent) break;
      own.push(line.slice(Math.min(deeper, indent + 2)));
      at += 1;
    }
    items.push(markdown(own.join("\n"), depth + 1));
    if ((lines[at] ?? "").trim() === "" && ITEM.test(lines[at + 1] ?? "")) at += 1;
  }
  return [{ kind: "list", start: numbered ? Number.parseInt(first?.[2] ?? "1", 10) : null, items }, at];
}

function cells(line: string): readonly (readonly Inline[])[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

const MARKS: readonly (readonly [RegExp, "strong" | "em" | "del"])[] = [
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/, "strong"],
  [/^__(?=\S)([\s\S]*?\S)__(?!\w)/, "strong"],
  [/^~~(?=\S)([\s\S]*?\S)~~/, "del"],
  [/^\*(?=\S)([^*]*?[^\s*])\*(?!\*)/, "em"],
  [/^_(?=\S)([^_]*?[^\s_])_(?!\w)/, "em"],
];
const LINK = /^(!?)\[([^\]\n]{0,400})\]\(\s*<?([^\s()<>]*)>?(?:\s+"[^"\n]*")?\s*\)/;
const CODE = /^(`+)([\s\S]*?[^`])\1(?!`)/;
const ESCAPE = /^\\([\\`*_{}[\]()#+.!|~>-])/;

export function inline(text: string, depth = 0): readonly Inline[] {
  const parts: Inline[] = [];
  let plain = "";
  const flush = () => {
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    // So far ahead the end of a mark is looked for: a text full of beginnings must not take long.
    const rest = text.slice(at, at + AHEAD);
    const found = depth < DEEPEST && /[\\`*_~[!]/.test(rest[0] ?? "") ? special(rest, text[at - 1] ?? "", depth) : null;
    if (found === null) {
      plain += rest[0] ?? "";
      at += 1;
      continue;
    }
    const [part, length] = found;
    if (typeof part === "string") plain += part;
    else {
      flush();
      parts.push(part);
    }
    at += length;
  }
  flush();
  return parts;
}

/** What begins here, and its length; null when it is an ordinary character. */
function special(rest: string, before: string, depth: number): [Inline | string, number] | null {
  const escaped = ESCAPE.exec(rest);
  if (escaped !== null) return [escaped[1] ?? "", escaped[0].length];
  const code = CODE.exec(rest);
  if (code !== null) return [{ kind: "code", text: (code[2] ?? "").trim() }, code[0].length];
  const link = LINK.exec(rest);
  if (link !== null) return [linked(link, depth), link[0].length];
  if (rest[0] === "_" && /\w/.test(before)) return null;
  for (const [mark, kind] of MARKS) {
    const found = mark.exec(rest);
    if (found !== null) return [{ kind, parts: inline(found[1] ?? "", depth + 1) }, found[0].length];
  }
  return null;
}

/** A link to the web; a picture, which would be loaded from there, and any other address stay as they were written. */
function linked(found: RegExpExecArray, depth: number): Inline | string {
  const [all, picture, text, address] = found;
  if (picture !== "" || address === undefined) return all;
  try {
    const url = new URL(address);
    if (url.protocol !== "https:" && url.protocol !== "http:") return all;
    if (url.username !== "" || url.password !== "") return all;
    return { kind: "link", parts: inline(text ?? "", depth + 1), url: url.href, host: url.host };
  } catch {
    return all;
  }
}
