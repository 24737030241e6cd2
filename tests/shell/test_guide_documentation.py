"""The documentation guide, played on real packages with planted faults: every finding against another way to look."""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from conductor_magic.result import ConductResult
from tests.support.checkouts import chosen, copied, figures, key_figures, played, written
from tests.support.docs_read import compiles, docstrings, in_sphinx_fields, line_of, ruff, ruff_bare, there
from tests.support.looks import looked
from tests.support.planted_docs import MODULE, PLANTED, PLANTED_BARE, README

Played = tuple[ConductResult, Path, str]


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in ("nbconvert", "click")])
def audit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A package with its own front page and planted documents beside it, audited."""
    front = str(metadata(request.param).get_payload())
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), {**PLANTED, "docs/front.md": front})
    with played("Which documentation is stale?", folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, request.param


def told(result: ConductResult, key: int, mark: str) -> list[str]:
    """The findings of a look that bear a mark."""
    return re.findall(rf"^- {mark}: (.+)$", result[key].output, re.MULTILINE)


def test_the_answer_is_an_audit(audit: Played) -> None:
    """Six tasks, all completed; five parts in their order and the key figures; each finding under its own heading."""
    result, *_ = audit
    assert (result.status, len(result.tasks)) == ("completed", 6), result.reason
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "In short", "Wrong", "Missing", "Holds", "Not looked at", "Key figures",
    ]  # fmt: skip
    for mark in ("Wrong", "Missing", "Holds"):
        part = result.answer.partition(f"## {mark}\n")[2].partition("\n## ")[0]
        for key in range(1, 6):
            for finding in told(result, key, mark):
                assert f"- {finding[:1].upper()}{finding[1:]}\n" in f"{part}\n" or f"- {finding}\n" in f"{part}\n"
    short = result.answer.partition("## In short\n\n")[2].partition("\n\n")[0].splitlines()
    assert short == [re.findall(r"^- .+$", result[key].output, re.MULTILINE)[0] for key in range(1, 6)]
    assert "[cut:" not in "".join(task.prompt or "" for task in result.tasks)


def test_bare_definitions_are_those_of_ruff(audit: Played) -> None:
    """Without a docstring: what ruff says of the package, the planted ones, and what a private module only lends."""
    result, folder, package = audit
    expected = PLANTED_BARE | ruff_bare(folder, package)
    figure = key_figures(result.answer)
    assert figure["without a docstring"] == str(len(expected))
    share = round(100 * (1 - len(expected) / int(figure["public definitions"])), 1)
    assert figure["percent documented"] == str(share)
    named = {(path, int(line)) for path, line in re.findall(r"`, ([\w/.]+):(\d+)\.$", result[1].output, re.MULTILINE)}
    assert len(named) == min(8, len(expected)) and named <= expected
    assert figures(result[1].output, "file | without a docstring")["planted/mod.py"] == ["3"]


def test_described_parameters_are_those_of_ruff(audit: Played) -> None:
    """Parameters described and not taken, or left out, as ruff finds them; the planted ones by name."""
    result, folder, package = audit
    partial, wrong = set(), set()
    for row in ruff(folder / package, "D417", "DOC102"):
        path, line = Path(row["filename"]), row["location"]["row"]
        lines = path.read_text("utf-8").splitlines()
        named = re.findall(r"`(\*{0,2}\w+)`", re.sub("docstring for `\\w+`", "", row["message"]))
        if row["code"] == "D417":
            body = "\n".join(lines[line - 1 : line + 60]).split('"""')[1]
            # ruff also asks for a description of what is only listed, and for what the stars take.
            own = [name for name in named if name[0] not in "*_"]
            missed = [name for name in own if not re.search(rf"^\s*(?:\w+, *)*{name}\b", body, re.MULTILINE)]
            partial |= {(path.relative_to(folder).as_posix(), line)} if missed else set()
        elif re.match(r"\s*\w+ *:|\s*\w+$", lines[line - 1]) and "Note" not in named:
            start = max(at for at, text in enumerate(lines[:line], 1) if re.match(r"\s*(?:async )?def ", text))
            wrong.add((path.relative_to(folder).as_posix(), start, named[0]))
    for path, line, untold, extra in in_sphinx_fields(package):
        partial |= {(path, line)} if untold else set()
        wrong |= {(path, line, name) for name in extra}
    planted = {"google": ("`gone`", "`three`, `two`"), "numpy": ("`lost`", "`third`")}
    figure = key_figures(result.answer)
    assert figure["with parameters left out"] == str(len(partial) + len(planted))
    assert figure["with parameters that are not taken"] == str(len(wrong) + len(planted))
    every = looked("docs_signatures", folder / "planted")
    for name, (extra, untold) in planted.items():
        line = line_of(MODULE, f"def {name}(")
        assert f"planted/mod.py:{line} `{name}` describes {extra}, which it does not take." in told(result, 2, "Wrong")
        assert ["mod.py", line, name, [part.strip("`") for part in untold.split(", ")]] in every["partial"]
    for path, line, extra in wrong:
        found = [text for text in told(result, 2, "Wrong") if text.startswith(f"{path}:{line} ")]
        assert f"`{extra}`" in found[0]
    assert every["described"] == 3 and len(every["partial"]) == len(every["wrong"]) == 2


def test_names_that_are_not_there_are_those_that_python_does_not_find(audit: Played) -> None:
    """Each own name between backticks is looked up by import; the planted ones are known."""
    result, folder, package = audit
    shape = re.compile(rf"`[~!.]?({package}(?:\.\w+)+)(?:\([^`]*)?`")
    told_in = [(folder / "docs" / "front.md").read_text("utf-8"), *docstrings(folder / package, "`")]
    strings = [name for text in told_in for name in shape.findall(text)]
    # What a module makes up when it is asked, nothing can be said to lack.
    assert all(there(name) or hasattr(importlib.import_module(package), "__getattr__") for name in strings)
    gone = {"planted.mod.Here.left": "README.md", "planted.Gone": "README.md", "planted.mod.gone_too": "docs/guide.rst",
            "planted.mod.lost": "planted/mod.py"}  # fmt: skip
    assert sorted(told(result, 3, "Wrong")) == sorted(
        f"{path}:{line_of(PLANTED[path], name)} names `{name}`; there is no `{name}`." for name, path in gone.items()
    )
    # Not `planted.mod.py`, which is a file, nor what has no backticks.
    assert key_figures(result.answer)["own names told"] == str(len(strings) + 11)
    assert key_figures(result.answer)["own names that are not there"] == "4"


def test_examples_are_those_of_the_markdown_and_doctest_parsers(audit: Played) -> None:
    """Blocks counted by a Markdown parser and the doctest finder; what cannot be parsed by compiling it."""
    result, folder, package = audit
    front = (folder / "docs" / "front.md").read_text("utf-8")
    fences = [
        token for token in MarkdownIt().parse(front) if token.type == "fence" and token.info.split()[:1] == ["python"]
    ]
    strings = list(docstrings(folder / package, ">>>"))
    broken = 0
    for text in [*strings, *(fence.content for fence in fences if ">>> " in fence.content)]:
        broken += sum(not compiles(example.source) for example in doctest.DocTestParser().get_examples(text))
    broken += sum(not compiles(fence.content) for fence in fences if ">>> " not in fence.content)
    figure = key_figures(result.answer)
    assert figure["examples"] == str(len(fences) + len(strings) + 4)
    assert figure["examples that cannot be parsed"] == str(broken + 3)
    assert figure["imports of what is not there"] == "3"
    wrong = told(result, 4, "Wrong")
    start = line_of(README, "from planted.mod import")
    assert f"README.md:{start} imports `planted.mod.Left`, which is not there." in wrong
    assert f"README.md:{start + 1} imports `planted.nowhere`, which is not there." in wrong
    assert (
        f"README.md:{line_of(README, '>>> from planted import gone')} imports `planted.gone`, which is not there."
        in wrong
    )
    for place in (
        f"README.md:{line_of(README, 'def broken')}",
        f"README.md:{line_of(README, '>>> 1 +')}",
        "docs/guide.rst:11",
    ):
        assert any(line.startswith(f"{place} cannot be parsed: ") for line in wrong)


def test_pages_links_and_versions(audit: Played) -> None:
    """Links by a Markdown parser and the disk; parts, headings and versions as planted."""
    result, folder, _ = audit
    targets = [
        (child.attrs.get("href") or child.attrs.get("src"), page)
        for page in sorted(folder.rglob("*.md"))
        for token in MarkdownIt().parse(page.read_text("utf-8"))
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]
    inside = [(str(target), page) for target, page in targets if not re.match(r"[a-z]+:|/", str(target))]
    gone = [target for target, page in inside if not (page.parent / target.partition("#")[0]).exists()]
    figure = key_figures(result.answer)
    # A Markdown parser does not see a reference that no text uses, HTML, or the directives of the other format.
    assert figure["links within"] == str(len(inside) + 4)
    assert figure["broken links"] == str(len(gone) + 4)
    wrong = told(result, 5, "Wrong")
    scope = line_of(README, "[no such part]")
    assert wrong == [
        f"README.md:{scope - 1} links to `docs/gone.md`: no such file.",
        f"README.md:{scope} links to `docs/gone.png`: no such file.",
        f"README.md:{scope} links to `docs/more.md#third`: no such heading.",
        f"README.md:{scope + 1} links to `docs/lost.svg`: no such file.",
        f"README.md:{scope + 3} links to `docs/lost.md`: no such file.",
        "docs/guide.rst:4 links to `lost.png`: no such file.",
        "CHANGELOG.md does not tell of version 2.7.0, which stands in pyproject.toml.",
        "the README names Python 3.8, pyproject.toml asks for 3.11.",
    ]
    assert told(result, 5, "Missing") == [
        f"{part}; neither a heading of the README nor a file of the root is named so."
        for part in ("how to use it", "how to contribute", "the licence")
    ]
    assert told(result, 5, "Holds") == ["how to install it: `Installation`.", "what changed: `CHANGELOG.md`."]


def test_what_agrees_is_said_to_hold(tmp_path: Path) -> None:
    """Without faults nothing is wrong, and what was checked is said."""
    texts = {
        "README.md": "# A\n\n## Usage\n\nPython 3.11. [It](#usage).\n\n```python\nimport good\n```\n\nUse `good.f`.\n",
        "CHANGES.rst": "1.0\n---\n",
        "LICENSE": "MIT",
        "pyproject.toml": '[project]\nversion = "1.0"\nrequires-python = ">=3.11,<4"\n',
        "good.py": '"""Good."""\n\n\ndef f(a):\n    """Do.\n\n    Args:\n        a: it.\n    """\n',
    }
    folder = written(tmp_path / "checkout", texts)
    with played("Audit the docs.", folder, tmp_path / "home") as result:
        assert "## Wrong\n\n- Nothing that these rules can see.\n" in result.answer
        holds = result.answer.partition("## Holds\n\n")[2].partition("\n\n")[0].splitlines()
        assert holds == [
            "- Every public module, class, function and method has a docstring.",
            "- No docstring describes a parameter that its function does not take.",
            "- Every own name between backticks is there, as far as the modules' text can tell.",
            "- Every example can be parsed, and imports no own name that is not there.",
            "- How to use it: `Usage`.",
            "- What changed: `CHANGES.rst`.",
            "- The licence: `LICENSE`.",
            "- 1 link within the checkout, each to what is there.",
            "- CHANGES.rst tells of version 1.0, which stands in pyproject.toml.",
            "- README and pyproject.toml name the same least Python, 3.11.",
        ]


def test_where_there_is_nothing_it_says_so(tmp_path: Path) -> None:
    """A folder of another language without documents is neither praised nor blamed for docstrings."""
    folder = written(tmp_path / "checkout", {"main.go": "package main\n"})
    with played("Audit the docs.", folder, tmp_path / "home") as result:
        assert "- No public Python was found here, so no docstring is missing." in result.answer
        assert "- No Python module was found here, so no name can be checked." in result.answer
        assert "- A README at the root.\n" in result.answer
        assert "- Examples of any kind.\n" in result.answer
        assert "## Holds\n\n- Nothing could be confirmed.\n" in result.answer


def test_each_look_gives_the_same_figures_again(tmp_path: Path) -> None:
    """Nothing hangs on the order of sets: another hash seed, the same figures."""
    folder = copied("nbformat", tmp_path, PLANTED)
    for recipe in ("docs_coverage", "docs_signatures", "docs_names", "docs_examples", "docs_pages"):
        assert looked(recipe, folder, 1) == looked(recipe, folder, 2)


@pytest.mark.parametrize(
    "goal",
    [
        "Audit our documentation.",
        "Write a README for this project.",
        "Write docstrings for everything that is public.",
        "A tutorial for new users, please.",
        "Which examples in the docs are outdated?",
    ],
)
def test_the_guide_is_chosen_for_its_kind_of_goal(goal: str) -> None:
    """Among all guides the documentation guide is the one that these goals name."""
    assert chosen(goal) == "documentation"
