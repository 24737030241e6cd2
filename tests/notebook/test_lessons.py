"""The lessons, run as a learner without a key runs them, and the glossary that they link to.

When a lesson uses a word of the glossary, its first use is a link to it. What counts:

* Prose is the lesson's Markdown cells, top to bottom, without headings, code spans, fences, and links to elsewhere,
  which are titles.
* A word is used where it or its plural stands as a whole word, in whatever case. The longest word wins: *task graph* is
  no use of *task*.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import runpy
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from conductor_magic.testing import Request

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks" / "lessons"
LESSONS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
GLOSSARY = ROOT / "docs" / "glossary.md"
SECONDS = 60
ACTUAL: dict[str, Any] = {
    "check-shared": ["Read"], "check-at-once": 3, "check-hands": 0, "check-known": 0,
    "graph-check": ["First day"], "reduce-check": 4, "ways-check": "As today", "back-check": "yes",
    "mix-check": "arrows", "fan-check": None, "pipe-check": None,
    "plan-check": 1, "chain-check": 3, "bill-check": "sonnet", "strategy-check": 6, "cap-check": "partial",
    "pays-check": "conductor", "fail-check": "skipped", "retry-check": 4, "gone-check": 3, "clash-check": 2,
    "resume-check": 2, "resume-again-check": 0,
}  # fmt: skip
"""Exercise -> what its run says, and the text below it explains; None where it is a share of measured seconds."""
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_NO_PROSE = re.compile(r"```.*?```|`[^`\n]*`|^#[^\n]*$", re.DOTALL | re.MULTILINE)


def read(lesson: str) -> NotebookNode:
    """The notebook as it is committed."""
    return nbformat.read(FOLDER / lesson, as_version=4)


def terms() -> dict[str, str]:
    """The glossary's words -> their anchors, as JupyterLab and code hosts make them of a heading in small letters."""
    found = re.findall(r"^## (.+)$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    return {term: term.replace(" ", "-") for term in found}


def uses(text: str) -> list[tuple[str, str]]:
    """(term, target of the glossary's link that it stands in, or empty) of each use in a Markdown text, in order."""
    forms = {form: term for term in terms() for form in (term, f"{term}s", re.sub("y$", "ies", term))}
    longest = "|".join(form.replace(" ", r"\s+") for form in sorted(forms, key=len, reverse=True))
    word = re.compile(rf"(?<![\w-])({longest})(?![\w-])", re.IGNORECASE)
    prose = _NO_PROSE.sub(lambda gone: " " * len(gone.group()), text)
    links = list(_LINK.finditer(prose))
    for link in links:
        gone = link.span(2) if GLOSSARY.name in link.group(2) else link.span()
        prose = prose[: gone[0]] + " " * (gone[1] - gone[0]) + prose[gone[1] :]
    return [
        (
            forms[" ".join(use.group(1).lower().split())],
            next((link.group(2) for link in links if link.start(1) <= use.start() < link.end(1)), ""),
        )
        for use in word.finditer(prose)
    ]


def prose(lesson: str) -> str:
    """All Markdown of a lesson."""
    return "\n\n".join(cell.source for cell in read(lesson).cells if cell.cell_type == "markdown")


# --- the text ---------------------------------------------------------------------------------------------------------


def test_there_are_four() -> None:
    """In the order in which they are read."""
    assert [name[0] for name in LESSONS] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_it_is_committed_without_outputs(lesson: str) -> None:
    """What a reader sees is what they will run."""
    assert [cell.id for cell in read(lesson).cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_term_is_a_link_where_it_is_first_used(lesson: str) -> None:
    """And the link leads to that term's own place in the glossary."""
    first: dict[str, str] = {}
    for term, target in uses(prose(lesson)):
        first.setdefault(term, target)
    anchors = terms()
    wrong = {term: at for term, at in first.items() if at != f"../../docs/glossary.md#{anchors[term]}"}
    assert wrong == {}
    assert len(first) >= 10


def test_every_term_is_used_by_a_lesson() -> None:
    """The glossary explains nothing that nobody meets."""
    assert set(terms()) - {term for lesson in LESSONS for term, _ in uses(prose(lesson))} == set()


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_link_leads_somewhere(lesson: str) -> None:
    """To a file that is there, and in the glossary to an anchor that is."""
    for _, target in _LINK.findall(prose(lesson)):
        path, _, anchor = target.partition("#")
        found = (FOLDER / path).resolve()
        assert found.is_file(), target
        assert not anchor or (found == GLOSSARY and anchor in terms().values()), target


def test_the_glossary_is_short_and_in_small_letters() -> None:
    """A term's heading gives the same anchor everywhere, and one to three sentences explain it."""
    parts = re.split(r"^## (.+)$", GLOSSARY.read_text("utf-8"), flags=re.MULTILINE)[1:]
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    assert len(told) == len(parts) // 2 >= 40
    for term, text in told.items():
        assert re.fullmatch(r"[a-z]+([ -][a-z]+)*", term), term
        sentences = re.findall(r"[.!?](?=\s|$)", re.sub(r"`[^`]*`", "", text))
        assert 1 <= len(sentences) <= 3, (term, len(sentences))


def test_the_rule_of_first_uses() -> None:
    """Whole words and plurals, the longest first; headings, code, addresses and other links are no prose."""
    text = "# Worker\n`worker` a task\ngraph, [Workers](glossary.md#worker) and budgets\n```\ncap\n```\n"
    assert uses(text + "a preworker, [board](b)") == [
        ("task graph", ""),
        ("worker", "glossary.md#worker"),
        ("budget", ""),
    ]


# --- the predictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "actual", "near", "words"),
    [
        (6, 6, 0.0, "**Right.** It: you said `6`, and so does the run."),
        (["b", "a"], ("a", "b"), 0.0, "**Right.** It: you said `a`, `b`, and so does the run."),
        (" Sonnet", "sonnet", 0.0, "**Right.** It: you said ` Sonnet`, and so does the run."),
        (4, 3.9, 0.1, "**Right, near enough.** It: you said `4`, the run says `3.90`."),
        (4, 3.9, 0.0, "**Not this time.** It: you said `4`, the run says `3.90`. "),
        (True, 1, 0.0, "**Not this time.** It: you said `True`, the run says `1`. "),
        ("six", 6, 0.5, "**Not this time.** It: you said `six`, the run says `6`. "),
        ("Read", ["Read"], 0.0, "**Right.** It: you said `Read`, and so does the run."),
        (["read "], ["Read"], 0.0, "**Right.** It: you said `read `, and so does the run."),
        ("3", 3, 0.0, "**Right.** It: you said `3`, and so does the run."),
        (" 4", 3.9, 0.1, "**Right, near enough.** It: you said ` 4`, the run says `3.90`."),
        ("4", 3, 0.0, "**Not this time.** It: you said `4`, the run says `3`. "),
        (None, 3, 0.0, "**Not this time.** It: you said `None`, the run says `3`. "),
        (3, ["3"], 0.0, "**Not this time.** It: you said `3`, the run says `3`. "),
        ("Read", ["Read", "Bash"], 0.0, "**Not this time.** It: you said `Read`, the run says `Bash`, `Read`. "),
        (["a"], ["a", "b"], 0.0, "**Not this time.** It: you said `a`, the run says `a`, `b`. "),
    ],
)
def test_a_prediction_is_held_against_the_run(guess: object, actual: object, near: float, words: str) -> None:
    """Right and wrong are told apart, and both figures are said."""
    verdict = runpy.run_path(str(FOLDER / "lesson.py"))["check"](guess, actual, "It", near=near)
    assert verdict.words.startswith(words) and verdict.right == words.startswith("**Right")
    assert verdict._repr_markdown_() == verdict.words


# --- the runs ---------------------------------------------------------------------------------------------------------


@dataclass
class Played:
    """An executed lesson.

    Attributes:
        notebook: with its outputs.
        wrong: exercise -> what is said of a guess that cannot be right.
        right: exercise -> what is said of the run's own figure.
        actual: exercise -> the run's own figure, as Python writes it.
        wall: seconds that its own cells took.
    """

    notebook: NotebookNode
    wrong: dict[str, str]
    right: dict[str, str]
    actual: dict[str, str]
    wall: float


def said(cell: NotebookNode) -> str:
    """The Markdown that a cell ended with."""
    return next(output.data["text/markdown"] for output in cell.outputs if "text/markdown" in output.get("data", {}))


def play(lesson: str, folder: Path) -> Played:
    """Run a lesson from top to bottom, then each of its exercises again with other guesses, in the same kernel."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    notebook = read(lesson)
    place = {"metadata": {"path": str(folder / "notebooks" / "lessons")}}
    client = NotebookClient(notebook, timeout=300, resources=place)
    wrong: dict[str, str] = {}
    right: dict[str, str] = {}
    actual: dict[str, str] = {}
    wall = 0.0
    with client.setup_kernel():

        def run(code: str) -> NotebookNode:
            notebook.cells.append(nbformat.v4.new_code_cell(code))
            client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
            return notebook.cells.pop()

        for index, cell in enumerate(tuple(notebook.cells)):
            began = monotonic()
            client.execute_cell(cell, index)
            wall += monotonic() - began
            if "predict" in cell.metadata.get("tags", []):
                (assigned,) = ast.parse(cell.source).body
                assert isinstance(assigned, ast.Assign)
                name = ast.unparse(assigned.targets[0])
            if "compare" in cell.metadata.get("tags", []):
                # A folder that the lesson works in may be gone by its end, so the exercise is repeated right here.
                run(f"{name} = 'nothing of the kind'")
                wrong[cell.id] = said(run(cell.source))
                actual[cell.id] = run(f"{name} = _.actual\nprint(ascii({name}))").outputs[0]["text"].strip()
                right[cell.id] = said(run(cell.source))
    return Played(notebook, wrong, right, actual, wall)


# The third plays the run of the quickstart, which `make test` plays already, and is the longest.
TO_PLAY = [pytest.param(name, marks=pytest.mark.slow) if name.startswith("3_") else name for name in LESSONS]


@pytest.fixture(scope="module", params=TO_PLAY)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A lesson, executed in a fresh folder without a key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE"):
            patch.delenv(name, raising=False)
        return play(request.param, tmp_path_factory.mktemp("checkout"))


def test_it_runs_from_top_to_bottom(played: Played) -> None:
    """No cell fails or complains, and it does not take long.

    `client.execute_cell` raises where a cell fails, unless the cell says that it is meant to. What is held to a bound
    is what a learner waits; on a machine that has more to do than it has processors, as much longer as that.
    """
    complaints = [
        (cell.id, output.text)
        for cell in played.notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert complaints == []
    crowded = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert played.wall < SECONDS * max(1.0, crowded)


def test_its_predictions_are_compared(played: Played) -> None:
    """A wrong guess is told so and what is right; the run's own figure is right; each guess has its comparison."""
    cells = played.notebook.cells
    tags = [tag for cell in cells for tag in cell.metadata.get("tags", ()) if tag in {"predict", "compare"}]
    assert tags == ["predict", "compare"] * len(played.wrong) and len(played.wrong) >= 4
    for exercise, words in played.wrong.items():
        assert words.startswith("**Not this time.**") and "you said `nothing of the kind`" in words, exercise
    for exercise, words in played.right.items():
        assert words.startswith("**Right.**"), (exercise, words)


def test_its_runs_say_what_its_text_says(played: Played) -> None:
    """The figures that the text builds upon are those of the run: what went another way would be explained wrongly."""
    told = {exercise: ascii(ACTUAL[exercise]) for exercise in played.actual if ACTUAL[exercise] is not None}
    assert {exercise: played.actual[exercise] for exercise in told} == told


@pytest.mark.parametrize(("versions", "done"), [((), False), (("/one",), False), (("/one", "/two"), True)])
def test_the_merge_of_one_version_is_not_done(versions: tuple[str, ...], done: bool) -> None:
    """Where a version was lost the script says so; only with both does it set about reading and merging."""
    told = "\n".join(["FILE: /notes.md", *(f"VERSION: {path}" for path in versions)])
    model = runpy.run_path(str(FOLDER / "scripted.py"))["floor"]([])
    request = Request("m", (), (), ({"role": "user", "content": f"{told}\n\nWORKSPACE\n/"},), 100)
    reply = asyncio.run(model.send(request))
    assert ("STATUS: incomplete" in reply.text) is not done
    assert [block["input"]["file_path"] for block in reply.content if block["type"] == "tool_use"] == (
        ["/notes.md", *versions] if done else []
    )


def test_what_is_drawn_comes_from_its_runs(played: Played) -> None:
    """Each graph is one that Mermaid reads, and each timeline has a bar for each attempt that is in its text."""
    bundles = [output.data for cell in played.notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    graphs = [bundle["text/vnd.mermaid"] for bundle in bundles if "text/vnd.mermaid" in bundle]
    bars = [bundle for bundle in bundles if bundle.get("text/html", "").startswith("<svg")]
    assert all(graph.startswith("graph LR\n    t1[") for graph in graphs)
    for drawing in bars:
        assert drawing["text/html"].count("<rect ") == len(drawing["text/plain"].splitlines()) - 1 >= 3
    if not json.dumps(played.notebook.cells[0].source).startswith('"# 3'):
        assert graphs and bars
