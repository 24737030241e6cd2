// @vitest-environment happy-dom

import { afterEach, expect, test } from "vitest";
import { golden, goldenDetails, NAMES } from "./golden";
import { type Opened, opened } from "./kernel";

let page: Opened | undefined;
afterEach(() => {
  page?.end();
  page = undefined;
});

test.each(NAMES.flatMap((name) => [600, 900, 1400].map((width) => [name, width] as const)))(
  "%s is painted at %d px: every task, every count, nothing undefined",
  async (name, width) => {
    page = await opened(name, width);
    const snapshot = golden(name);
    expect(page.find(".board")?.getAttribute("data-size")).toBe({ 600: "s", 900: "m", 1400: "l" }[width]);
    expect(page.root.querySelectorAll("[data-task]").length).toBe(snapshot.order.length);
    const chips = [...page.root.querySelectorAll(".chip b")].map((chip) => Number(chip.textContent));
    expect(chips).toEqual(Object.values(snapshot.counts));
    expect(page.text()).not.toMatch(/undefined|NaN|\[object|Infinity/);
  },
);

test("the header names who plays, what it costs, and what to be warned of", async () => {
  page = await opened("planning");
  expect(page.text()).toContain("Rehearsal: a rule-based stand-in, not a model");
  expect(page.text()).toContain("No sandbox works here, so Bash and Python are refused.");
  expect(page.text()).toContain("Drafting the plan");
  page.end();
  page = await opened("running");
  for (const figure of ["0:52", "3 of 6", "3.0×", "23.9k", "$0.070 of $5.00", "5%"]) {
    expect(page.find(".quotes")?.textContent).toContain(figure);
  }
});

test("a patch changes the words of a row and keeps its nodes", async () => {
  page = await opened("running");
  await page.acknowledge("hello");
  const button = page.find('[data-task="3"]');
  await page.patch([
    [["tasks", "3", "subject"], "Renamed"],
    [["tasks", "3", "shown"], "failed"],
  ]);
  expect(page.find('[data-task="3"]')).toBe(button);
  expect(button?.textContent).toBe("Renamed");
  expect(button?.closest(".row")?.textContent).toContain("Failed");
});

test("a hello is sent at once, and a gap in the patches asks for the whole", async () => {
  page = await opened("running");
  expect(page.of("hello").length).toBe(1);
  await page.patch([], 9);
  expect(page.of("sync").length).toBe(1);
});

test("inspect shows the exact prompt, the transcript and the output", async () => {
  page = await opened("done");
  await page.press('[data-task="7"]');
  expect(page.of("inspect").map((message) => message.payload)).toEqual([{ task: "7" }]);
  await page.acknowledge("inspect");
  expect(page.find(".inspector .markdown")?.innerHTML).toBe(
    "<p>The chart <code>bills</code> parts the species cleanly.</p>",
  );
  await page.press('[role="tab"]');
  const shown = [...page.root.querySelectorAll(".inspector pre")].map((pre) => pre.textContent);
  expect(shown.join("\n")).toBe(goldenDetails("done")["7"]?.prompt.trimEnd());
  await page.press('[role="tab"]:nth-child(2)');
  expect(page.find(".inspector .log")?.textContent).toContain("Write /work/report/outliers.md");
  page.find(".board")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  await page.settle();
  expect(page.find(".inspector")).toBeNull();
});

test("a question of two parts: keys, several labels, own words; one command with the answers by question", async () => {
  page = await opened("asking");
  page.find(".form")?.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true }));
  await page.settle();
  expect(page.find(".asked")?.textContent).toBe("Which charts do you want?");
  expect(page.of("answer")).toEqual([]);
  await page.press('[data-option="1"]');
  const input = page.find(".other input") as HTMLInputElement;
  input.value = "A map";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await page.settle();
  page.find(".other")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await page.settle();
  expect(page.of("answer").map((message) => message.payload)).toEqual([
    {
      question: "q1",
      answers: {
        "Eleven birds have no sex recorded. How should they count?": "A group of their own",
        "Which charts do you want?": ["Scatter", "A map"],
      },
    },
  ]);
  expect(page.find(".question")?.textContent).toContain("Sent.");
  await page.acknowledge("answer", { error: "It was answered already." });
  expect(page.text()).toContain("It was answered already.");
  expect(page.find(".form")).not.toBeNull();
});

test("a run is cancelled by two presses, and by no single one", async () => {
  page = await opened("running");
  await page.press('[data-act="cancel"]');
  expect(page.text()).toContain("Cancel 3 running tasks?");
  await page.press('[data-act="keep"]');
  await page.press('[data-act="cancel"]');
  expect(page.of("cancel")).toEqual([]);
  await page.press('[data-act="cancel-sure"]');
  expect(page.of("cancel").length).toBe(1);
  expect(page.text()).toContain("Cancelling…");
});

test("hostile text stays text: no element of it, no escape, no turned writing", async () => {
  page = await opened("hostile");
  await page.press('[data-task="1"]');
  await page.acknowledge("inspect");
  for (const tab of [1, 2, 3]) {
    await page.press(`[role="tab"]:nth-child(${tab})`);
    expect(page.root.querySelectorAll("img, script, a, iframe, object").length).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(page.text()).not.toMatch(/[\x1b\u202a-\u202e\u2066-\u2069]/);
    expect(page.text()).toContain("<img src=x");
  }
  const attributes = [...page.root.querySelectorAll("*")].flatMap((element) => [...element.attributes]);
  expect(attributes.filter((attribute) => attribute.name.startsWith("on"))).toEqual([]);
  expect("__xss" in window).toBe(false);
  // What a person is asked to allow hides nothing.
  expect(page.find(".asked")?.textContent).toContain("⟨U+202E⟩");
});

test("the closed board shows the answer and what the run took", async () => {
  page = await opened("done");
  expect(page.find(".bell")?.textContent).toContain("Gentoo are shallow");
  expect(page.find(".bell")?.textContent).toContain("8 of 8");
  expect(page.find('[data-act="cancel"]')).toBeNull();
});

test("a plan shows what it will take and cost, why each tier, and how to run it", async () => {
  page = await opened("planned");
  const said = page.find('[aria-label="Plan"]')?.textContent ?? "";
  for (const part of ["Tasks8", "up to 6", "about 6:20", "about $1.96", "#1 → #3 → #6 → #7 → #8", "%conduct go"]) {
    expect(said).toContain(part);
  }
  expect(said).toContain("#2 Missing valuesHAIKURoutine reading.");
  expect(said).toContain("SONNET4about 1:00$0.72");
  expect(page.find('[aria-label="Closing bell"]')).toBeNull();
  for (const part of ["Planned", "The plan is ready: 8 tasks."]) expect(page.text()).toContain(part);
  expect(page.text()).not.toContain("Nothing has happened yet");
  page.end();
  page = await opened("planned", 600);
  expect(page.find(".panes")?.textContent).toBe("TasksPlan");
});

test("a chip shows only its state, and pressing it again shows all", async () => {
  page = await opened("failed");
  await page.press('[data-chip="failed"]');
  expect([...page.root.querySelectorAll("[data-task]")].map((row) => row.getAttribute("data-task"))).toEqual(["4"]);
  await page.press('[data-chip="failed"]');
  expect(page.root.querySelectorAll("[data-task]").length).toBe(8);
});

test("of a thousand tasks only those in sight are in the page", async () => {
  page = await opened("running");
  const task = golden("running").tasks["3"];
  const ids = Array.from({ length: 1_000 }, (_, index) => String(index + 1));
  await page.patch([
    [["tasks"], Object.fromEntries(ids.map((id) => [id, { ...task, id }]))],
    [["order"], ids],
  ]);
  expect(page.find('[role="table"]')?.getAttribute("aria-rowcount")).toBe("1001");
  expect(page.root.querySelectorAll("[data-task]").length).toBeLessThan(60);
});

test("a mounted board hides the static copy beside it, one that comes later too, and shows it again when it goes", async () => {
  const area = document.createElement("div");
  area.className = "jp-OutputArea";
  const copy = () => {
    const made = document.createElement("div");
    made.setAttribute("data-conduct-fallback", "");
    area.append(made);
    return made;
  };
  document.body.append(area);
  const early = copy();
  page = await opened("running", 1400, area);
  const late = copy();
  await page.settle();
  expect([early.style.display, late.style.display]).toEqual(["none", "none"]);
  page.end();
  page = undefined;
  expect([early.style.display, late.style.display]).toEqual(["", ""]);
  area.remove();
});

test("where there is little room, the question is a line until it is opened", async () => {
  page = await opened("asking", 600);
  expect(page.find(".question")).toBeNull();
  await page.press('[data-act="open-question"]');
  expect(page.find(".asked")?.textContent).toContain("Eleven birds");
  await page.press('[aria-label="Close the question"]');
  expect(page.find(".askbar")).not.toBeNull();
});

test("when the focused button goes away the focus stays in the board, so that no key reaches the notebook", async () => {
  page = await opened("asking");
  page.find('[data-option="1"]')?.focus();
  expect(page.root.activeElement?.getAttribute("data-option")).toBe("1");
  await page.patch([[["questions"], []]]);
  expect(page.find(".question")).toBeNull();
  expect(page.root.activeElement).toBe(page.find(".board"));
});

test("a conflict shows both differences, and a settled one how it was settled", async () => {
  page = await opened("conflict", 1400);
  const [settled, open] = [...page.root.querySelectorAll(".conflicts details")];
  expect(page.find(".conflicts h3")?.textContent).toBe("Conflicts 1 not settled");
  expect(open?.hasAttribute("open")).toBe(true);
  expect([...(open?.querySelectorAll("pre") ?? [])].map((pre) => pre.textContent?.split("\n").pop())).toEqual([
    "+Mass is skewed.",
    "+Three outliers.",
  ]);
  expect(settled?.hasAttribute("open")).toBe(false);
  expect(settled?.querySelector("summary")?.textContent).toBe(
    "/work/report/table.csv: #3 or #4 and #4 perhaps collided; settled: kept #4's version",
  );
  expect(page.text()).toContain("waits for #4 to be done with /work/report/notes.md");
});

test("a phase and a run that complete before one's eyes are marked for a moment; those of the past are not", async () => {
  page = await opened("done");
  expect(page.find(".ring")?.dataset.swing).toBe("false");
  expect(page.find(".rail [data-fresh=true]")).toBeNull();
  page.end();
  page = await opened("running");
  await page.acknowledge("hello");
  const now = golden("running").now;
  await page.patch([[["marks"], [{ kind: "milestone", at: now - 1, text: "Survey" }]]]);
  expect(page.find(".rail [data-fresh=true]")?.textContent).toContain("Survey");
  await page.patch([[["now"], now + 5]], 3);
  expect(page.find(".rail [data-fresh=true]")).toBeNull();
  await page.patch(
    [
      [["run", "status"], "completed"],
      [["run", "ended"], now + 6],
    ],
    4,
  );
  expect(page.find(".ring")?.dataset.swing).toBe("true");
});

test("a question says how many tasks cannot go on before its answer", async () => {
  page = await opened("asking");
  const { questions } = golden("asking");
  const asked = questions.map((question) => ({ ...question, answered: question.task === null ? 1 : null }));
  await page.patch([[["questions"], asked]]);
  expect(page.find(".question")?.textContent).toContain("holds up 4 tasks");
});
