import { expect, test } from "vitest";
import { type Block, inline, markdown } from "../src/markdown";
import { MARKDOWN } from "./golden";

const kinds = (text: string) => markdown(text).map((one) => one.kind);
const first = <K extends Block["kind"]>(text: string, kind: K) => {
  const found = markdown(text)[0];
  if (found?.kind !== kind) throw new Error(`it is ${found?.kind}`);
  return found as Extract<Block, { kind: K }>;
};

test.each(MARKDOWN)("as on the static board: $name", ({ text, blocks }) => {
  expect(markdown(text)).toEqual(blocks);
});

test("the blocks that models write", () => {
  const text =
    "# Title\n\nA *short* text\nin two lines.\n\n- one\n- two\n\n1. first\n2. second\n\n> said\n\n```py\nx = 1\n```\n\n| a | b |\n|---|--:|\n| 1 | `x\\|y` |\n\n---\nEnd.";
  expect(kinds(text)).toEqual(["heading", "paragraph", "list", "list", "quote", "code", "table", "rule", "paragraph"]);
  expect(first("3. three\n4. four", "list")).toMatchObject({ start: 3, items: { length: 2 } });
  expect(first("| a | b |\n|---|---|\n| 1 | x\\|y |", "table").rows[0]?.[1]).toEqual([{ kind: "text", text: "x|y" }]);
  expect(first("```\n<b>\n# no\n", "code").text).toBe("<b>\n# no\n");
});

test("lists lie in lists, with what is indented below", () => {
  const list = first("- one\n  - inner\n  - other\n\n  more of one\n- two", "list");
  expect(list.items.map((item) => item.map((one) => one.kind))).toEqual([
    ["paragraph", "list", "paragraph"],
    ["paragraph"],
  ]);
});

test("marks in a line, in each other, and what only looks like one", () => {
  expect(inline("**bold and *both*** `a*b` ~~gone~~")).toMatchObject([
    { kind: "strong", parts: [{ text: "bold and " }, { kind: "em" }] },
    { text: " " },
    { kind: "code", text: "a*b" },
    { text: " " },
    { kind: "del" },
  ]);
  for (const plain of ["snake_case_name", "2 * 3 * 4", "\\*no\\*", "a ** b", "x__y__z"]) {
    expect(inline(plain)).toEqual([{ kind: "text", text: plain.replaceAll("\\", "") }]);
  }
});

test("only plain web links become links, with the host that they lead to", () => {
  expect(inline("[good.org](https://evil.example/x)")).toEqual([
    { kind: "link", parts: [{ kind: "text", text: "good.org" }], url: "https://evil.example/x", host: "evil.example" },
  ]);
  const inert = [
    "[a](javascript:alert(1))",
    "[a](data:text/html,x)",
    "![x](https://a.b/c.png)",
    "[a](file:///etc/passwd)",
    "[a](//evil.example)",
    "[a](https://user:pass@evil.example)",
    "<img src=x onerror=alert(1)>",
    "[a]( vbscript:x)",
  ];
  for (const text of inert) {
    expect(inline(text).map((one) => one.kind)).toEqual(["text"]);
    expect(inline(text)).toEqual([{ kind: "text", text }]);
  }
});

test.each(["*", "**a ", "[", "`", "> ", "- ", "|-", "_a ", "![](", "~~ "])(
  "a text of nothing but %j takes no time",
  (piece) => {
    const began = performance.now();
    markdown(piece.repeat(100_000 / piece.length));
    markdown(`${piece}\n`.repeat(20_000));
    expect(performance.now() - began).toBeLessThan(4_000);
  },
);
