// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test } from "vitest";
import type { Preview } from "../src/preview";
import { parts, taskText } from "../src/record";
import { type Report, reportText } from "../src/report";
import { golden, goldenDetails } from "./golden";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
let copied = "";
beforeEach(() => {
  const writeText = async (text: string) => {
    copied = text;
  };
  const clipboard = { writeText };
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: clipboard });
});
afterEach(() => {
  page?.end();
  page = undefined;
});

const REPORT: Report = {
  spend: [
    { who: "conductor", requests: 2, tokens: 9_200, usd: 0.01, list_usd: 0.01, estimated: false },
    { who: "haiku", requests: 3, tokens: 3_900, usd: null, list_usd: 0, estimated: true },
  ],
  total: { requests: 5, tokens: 13_100, usd: null, list_usd: 0.01, estimated: true },
  time: [{ tier: "haiku", attempts: 2, expected: null, median: 12.5, sum: 25 }],
  others: 1,
  token_table: {
    title: "Token report",
    head: ["Context", "At most", "All tokens"],
    rows: [
      ["Conductor", "~9.2k", "~9.2k"],
      ["· tool schemas", "~3.1k", ""],
      ["One agent, computed", "~240.0k", ""],
    ],
    lead: "Delegation paid in context: the conductor's reached 9,200 tokens.",
    note: "25% of all prompt tokens came from the cache.",
  },
};

/** Task 7 of the finished run, its Output tab, and what the kernel says of its artifact. */
async function shown(preview: Preview): Promise<Opened> {
  page = await opened("done");
  await page.press('[data-task="7"]');
  await page.acknowledge("inspect");
  expect(page.of("artifact").map((message) => message.payload)).toEqual([{ task: "7", name: "bills" }]);
  await page.acknowledge("artifact", { preview });
  return page;
}

test("a prompt is told apart into what all are sent, what the conductor wrote, and what was added", () => {
  const preamble = "CONTEXT: You are a WORKER agent, not an orchestrator.\n\nRULES:\n- Only this\n\nTASK:\n";
  const added = "WORKSPACE\n/work\n\nRETURN\nYour findings.";
  expect(parts(`${preamble}Do it.\n\nTASK:\nstill mine\n\n${added}`)).toEqual({
    preamble,
    task: "Do it.\n\nTASK:\nstill mine\n\n",
    added,
  });
  expect(parts("Anything else\n\nWORKSPACE\n/x")).toEqual({
    preamble: "",
    task: "Anything else\n\nWORKSPACE\n/x",
    added: "",
  });
});

test("the prompt's own button copies it to the character", async () => {
  page = await opened("done");
  await page.press('[data-task="7"]');
  const prompt = `${goldenDetails("done")["7"]?.prompt}\u001b[31m\u202e\r\n `;
  const detail = goldenDetails("done")["7"];
  const attempts = detail?.attempt_list.map((attempt) => ({ ...attempt, prompt }));
  await page.acknowledge("inspect", { detail: { ...detail, attempt_list: attempts } });
  await page.press('[role="tab"]');
  await page.press(".sheet .copy");
  expect(copied).toBe(prompt);
  const heads = [...page.root.querySelectorAll(".part h4")].map((head) => head.textContent);
  expect(heads).toEqual(["Preamble, sent to every worker", "Task, written by the conductor"]);
  expect(page.find(".part")?.getAttribute("data-dim")).toBe("true");
});

test("each attempt opens its own transcript and prompt; one that went well is no choice", async () => {
  page = await opened("failed");
  await page.press('[data-task="4"]');
  await page.acknowledge("inspect");
  const rows = [...page.root.querySelectorAll("[data-attempt]")];
  expect(rows.map((row) => row.getAttribute("aria-pressed"))).toEqual(["false", "true"]);
  expect(rows.map((row) => row.textContent)).toEqual([
    "1 SONNET Timed outdesk 3, 0:39, 2.2k tokensNo answer within 40 s.",
    "2 SONNET Faileddesk 3, 0:07, 2.2k tokens",
  ]);
  expect(page.find(".log")?.textContent).toContain("KeyError");
  await page.press('[data-attempt="1"]');
  expect(page.find(".log")?.textContent).not.toContain("KeyError");
  expect(page.find(".sheet .fault")?.textContent).toBe("No answer within 40 s.");
  await page.press('[data-task="1"]');
  await page.acknowledge("inspect");
  expect(page.find(".attempts")).toBeNull();
});

test("a later attempt says why it is on its tier", async () => {
  page = await opened("failed");
  await page.press('[data-task="4"]');
  const detail = goldenDetails("failed")["4"];
  const reasons = ["Routine.", "haiku → sonnet after attempt 1 (timeout: No answer within 40 s.)"];
  const attempts = detail?.attempt_list.map((attempt, at) => ({ ...attempt, reason: reasons[at] ?? "" }));
  await page.acknowledge("inspect", { detail: { ...detail, attempt_list: attempts } });
  const told = [...page.root.querySelectorAll("[data-attempt]")].map((row) => row.textContent);
  expect(told[0]).not.toContain("Routine.");
  expect(told[1]).toContain(reasons[1]);
});

test("a call shows all that it was given, opened on demand", async () => {
  page = await opened("done");
  await page.press('[data-task="7"]');
  const detail = goldenDetails("done")["7"];
  const call = {
    at: 0,
    kind: "call",
    name: "Python",
    argument: "for n in",
    arguments: "code:\nfor n in x:\n  print(n)",
  };
  const attempts = detail?.attempt_list.map((attempt) => ({ ...attempt, transcript: [call] }));
  await page.acknowledge("inspect", { detail: { ...detail, attempt_list: attempts } });
  await page.press('[role="tab"]:nth-child(2)');
  expect(page.find(".log summary")?.textContent).toBe("Python for n in");
  expect(page.find(".log details pre")?.textContent).toBe("code:\nfor n in x:\n  print(n)");
});

test("a picture is an image made of the bytes that were sent, and of no other type", async () => {
  await shown({ kind: "picture", path: "/a.png", mime: "image/png", data: "AAAA" });
  expect(page?.find(".artifact img")?.getAttribute("src")).toBe("data:image/png;base64,AAAA");
  expect(page?.find(".artifact summary")?.textContent).toBe("bills PNG image, 48 kB");
  page?.end();
  await shown({ kind: "picture", path: "/a", mime: "text/html;x", data: "AAAA" });
  expect(page?.find(".artifact img")).toBeNull();
});

test("a table shows its first rows, figures to the right, and how many there are", async () => {
  await shown({
    kind: "table",
    path: "/a.arrow",
    head: ["bird", "<b>mass</b>"],
    rows: [
      ["p0", "3750"],
      ["p1", null],
    ],
    numeric: [false, true],
    total: 1_344,
    columns: 30,
  });
  expect(page?.find(".artifact thead")?.textContent).toBe("bird<b>mass</b>");
  expect(
    [...(page?.root.querySelectorAll(".artifact td") ?? [])].map((cell) => [cell.className, cell.textContent]),
  ).toEqual([
    ["", "p0"],
    ["num", "3750"],
    ["", "p1"],
    ["num", "–"],
  ]);
  expect(page?.find(".artifact")?.textContent).toContain("2 of 1,344 rows, 2 of 30 columns");
});

test("text stays text and says how much is left; what cannot be shown says why and where it is", async () => {
  await shown({ kind: "text", path: "/a.txt", text: "<script>alert(1)</script>\u001b[2J", left: 24_001 });
  expect(page?.find(".artifact pre")?.textContent).toBe("<script>alert(1)</script>");
  expect(page?.find(".artifact")?.textContent).toContain("24 kB more in /a.txt");
  expect(page?.root.querySelector(".artifact script")).toBeNull();
  page?.end();
  await shown({ kind: "note", path: "/a.svg", text: "Not shown: it declares entities." });
  expect(page?.find(".artifact p")?.textContent).toBe("Not shown: it declares entities. /a.svg");
});

test("a whole task is copied as text that can be read, and the files that it changed are named", async () => {
  page = await opened("failed");
  await page.press('[data-task="4"]');
  await page.acknowledge("inspect");
  await page.press(".tabs .copy");
  expect(copied).toBe(`#4 Outliers
Failed, SONNET, 0:48, 4.4k tokens, $0.020, 2 attempts
Error: The frame has no column \`bill\`.

PROMPT
CONTEXT: You are a WORKER agent, not an orchestrator.

RULES:
- Complete ONLY the task described below

TASK:
Outliers: work on the frame \`penguins\`.


TRANSCRIPT, attempt 2: Failed
   0:56  Looking at the frame first.
   0:56  Python: penguins.describe(include='all')
   1:00  Error: Traceback: KeyError: 'bill'
The frame has no column \`bill\`.

OUTPUT
Task 4 is done.
`);
  const detail = goldenDetails("failed")["4"];
  if (detail === undefined) throw new Error("there is no task 4");
  const files = [{ path: "/w/a.md", action: "created" as const }];
  const text = taskText({ ...detail, files, output: "Done\u001b[31m." }, undefined, 0);
  expect(text).toContain("\n\nOUTPUT\nDone.\n\nFILES\n/w/a.md (created)\n");
  expect(text).not.toContain("TRANSCRIPT");
});

test("the closing bell shows the report that the kernel makes, and says what is unknown", async () => {
  page = await opened("done");
  expect(page.of("report").length).toBe(1);
  expect(page.find(".report")).toBeNull();
  await page.acknowledge("report", { report: REPORT });
  const [spend, context, time] = [...page.root.querySelectorAll(".report")].map((part) =>
    [...part.querySelectorAll("tr, p")].map((row) =>
      [...row.querySelectorAll("th, td")].map((cell) => cell.textContent),
    ),
  );
  expect(spend?.slice(1, 4)).toEqual([
    ["Conductor", "2", "9.2k", "$0.010"],
    ["HAIKU", "3", "~3.9k", "unknown"],
    ["Total", "5", "~13.1k", "unknown"],
  ]);
  expect(context?.slice(2, 5)).toEqual([
    ["Conductor", "~9.2k", "~9.2k"],
    ["· tool schemas", "~3.1k", ""],
    ["One agent, computed", "~240.0k", ""],
  ]);
  expect(time?.slice(1, 2)).toEqual([["HAIKU", "2", "unknown", "0:12", "0:25"]]);
  const said = page.find(".bell")?.textContent ?? "";
  for (const sentence of [
    "Tokens with ~ are estimated.",
    "25% of all prompt tokens came from the cache.",
    "Delegation paid in context: the conductor's reached 9,200 tokens.",
    "left out: 1.",
  ]) {
    expect(said).toContain(sentence);
  }
  await page.press(".bell h3 .copy");
  expect(copied).toBe(reportText(golden("done"), REPORT));
  expect(copied).toContain(
    "SPEND BY TIER\n           Requests  Tokens    Spend\nConductor         2    9.2k   $0.010\n",
  );
  expect(copied).toMatch(/\n\nANSWER\n.*Gentoo are shallow/s);
});
