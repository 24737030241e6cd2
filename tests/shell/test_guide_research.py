"""The research guide, played on real packages with planted traces: every finding against another way to look."""

from __future__ import annotations

import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from conductor_magic.models.rehearsal.research import question_words
from conductor_magic.result import ConductResult
from tests.support.checkouts import chosen, copied, figures, key_figures, played, written
from tests.support.looks import humps, imported_on_loading, looked, python_files, tokens

Played = tuple[ConductResult, Path, tuple[str, ...]]
WORDS = ("connection", "notebook", "zyzzyva")
QUESTION = "Investigate how connections and notebooks are used, and what zyzzyvas do"
PLANTED = {
    "ring/__init__.py": "",
    "ring/one.py": "from ring import two\n\n\nclass NotebookConnectionProbe:\n    '''Probes it.'''\n",
    "ring/two.py": "from .three import NOTEBOOK_LIMIT\n",
    "ring/three.py": (
        "import ring.one\nimport otherworld.sky\nNOTEBOOK_LIMIT = 3\n# TODO the connection is never closed\n"
        "text = '# TODO in a text is no note'\n\n\ndef NotebookHTTPConnection():\n    raise NotImplementedError\n"
    ),
    "ring/user.py": (
        "import typing, warnings\nif typing.TYPE_CHECKING:\n    import skylight\n\n\ndef late():\n"
        "    import ring.one, moonlight\n    warnings.warn('old', DeprecationWarning)\n"
        "    return ring.one.NotebookConnectionProbe\n\n\nif __name__ == '__main__':\n    late()\n"
    ),
    "tests/test_ring.py": (
        "import pytest\n@pytest.mark.skip\ndef test_notebook(): ...\n@pytest.mark.xfail\ndef test(): ...\n"
    ),
    "pyproject.toml": "[project]\nname = 'ring'\n[project.scripts]\nring-cli = 'ring.user:late'\n",
}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in ("jupyter_client", "nbconvert")]
)
def research(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A package with planted files beside it, and what the rehearsal found on the question."""
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), PLANTED)
    with played(QUESTION, folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, WORDS


def test_the_answer_has_the_parts_of_a_research_report(research: Played) -> None:
    """Five tasks, all completed; six parts in their order, the question word for word, then the key figures."""
    result, *_ = research
    assert (result.status, len(result.tasks)) == ("completed", 5), result.reason
    assert all(task.status == "completed" for task in result.tasks)
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "Question", "Summary", "Evidence", "Analysis", "Recommendation", "Open", "Key figures",
    ]  # fmt: skip
    assert f"## Question\n\n{QUESTION}\n" in result.answer
    assert "[cut:" not in "".join(task.prompt or "" for task in result.tasks)
    opened = result.answer.partition("## Open")[2]
    assert "- Nowhere in the checkout: `zyzzyva`.\n" in opened
    assert "history" in opened


def test_words_are_counted_as_the_parts_of_names_are(research: Played) -> None:
    """Files and lines of each word, split by place: as each line's words and parts of names begin."""
    result, folder, words = research
    own: dict[str, Counter[str]] = {word: Counter() for word in words}
    files, lines = set(), 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        code = {".py": "code", ".md": "documents", ".rst": "documents", ".txt": "documents", ".js": "code"}
        place = "tests" if name.startswith("tests/") else code.get(path.suffix, "other")
        for line in path.read_text("utf-8").splitlines():
            here = {word for word in words for hump in humps(line) if hump.startswith(word)}
            lines += bool(here)
            for word in here:
                files.add(name)
                own[word].update(["lines", place])
                own[word][f"in {name}"] = 1
    rows = figures(result[1].output, "word | files")
    for word in words:
        counted = [own[word][key] for key in ("lines", "code", "tests", "documents", "other")]
        assert rows[word] == [str(sum(key.startswith("in ") for key in own[word])), *map(str, counted)]
    told = key_figures(result.answer)
    assert told["files with a word of the question"] == str(len(files))
    assert told["lines with a word of the question"] == str(lines)
    for path, number, held in re.findall(r"^- `(.+?):(\d+)` holds (\d+) of them", result.answer, re.MULTILINE):
        line = (folder / path).read_text("utf-8").splitlines()[int(number) - 1]
        assert int(held) == sum(any(hump.startswith(word) for hump in humps(line)) for word in words)


def test_definitions_and_their_users_are_those_of_the_tokens(research: Played) -> None:
    """Every definition with a word in its name, by the tokens; where each name stands, by the tokens of other files."""
    result, folder, words = research
    streams = {path: tokens(text) for path, text in python_files(folder).items()}
    found: set[tuple[str, str, int]] = set()
    stand: dict[str, set[str]] = {}
    for path, stream in streams.items():
        for before, token, after in zip(stream, stream[1:], [*stream[2:], stream[-1]], strict=False):
            if token.type != tokenize.NAME:
                continue
            defined = before.string in ("def", "class")
            constant = token.start[1] == 0 and token.string.isupper() and after.string in ("=", ":")
            if (defined or constant) and any(hump.startswith(word) for hump in humps(token.string) for word in words):
                found.add((token.string, path, token.start[0]))
            if not defined and after.string not in ("=", ":"):
                stand.setdefault(token.string, set()).add(path)
    assert key_figures(result.answer)["definitions named so"] == str(len(found))
    rows = figures(result[2].output, "name | kind")
    assert rows
    for dotted, (_, place, users) in rows.items():
        path, _, line = place.rpartition(":")
        name = dotted.rpartition(".")[2]
        assert (name, path, int(line)) in found
        assert users == str(len(stand.get(name, set()) - {path})), name
    assert (
        "`NotebookConnectionProbe` (class, ring/one.py:4): its name stands in 1 other file, as ring/user.py. "
        "It says: `Probes it.`\n"
    ) in result.answer
    assert rows["NotebookHTTPConnection"] == ["function", "ring/three.py:8", "0"]
    unnamed = sum(not stand.get(name) for name, *_ in found)
    assert f"- Named nowhere else in the parsed code: {unnamed}." in result.answer


def test_structure_is_that_of_the_bytecode(research: Played) -> None:
    """Imports on loading, circles and outside packages, by what the compiled modules would do."""
    result, folder, _ = research
    loaded = imported_on_loading(folder)
    names = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in loaded}
    edges: set[tuple[str, str]] = set()
    outside: dict[str, set[str]] = {}
    for path, targets in loaded.items():
        for target in targets:
            parts = target.split(".")
            inside = next(
                (names[name] for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in names), ""
            )
            if inside and inside != path:
                edges.add((path, inside))
            elif not inside and parts[0] not in sys.stdlib_module_names and parts[0] not in {"ring", "tests"}:
                outside.setdefault(parts[0], set()).add(path)
    told = key_figures(result.answer)
    assert told["modules"] == str(len(loaded))
    assert f"on loading {len(edges)} imports of one by another." in result.answer
    for path, (by, imports) in figures(result[3].output, "module | imported by").items():
        assert (by, imports) == (str(sum(b == path for _, b in edges)), str(sum(a == path for a, _ in edges)))
    reach = set(edges)
    while more := {(a, d) for a, b in reach for c, d in edges if b == c} - reach:
        reach |= more
    circles = {frozenset(b for a, b in reach if a == one and (b, one) in reach) for one, _ in reach} - {frozenset()}
    assert told["circles of imports"] == str(len(circles))
    assert frozenset({"ring/one.py", "ring/two.py", "ring/three.py"}) in circles
    assert "3 modules (`ring/one.py`, `ring/three.py`, `ring/two.py`)" in result.answer
    listed = result.answer.partition(f"- {len(outside)} packages from outside, with the files that import each: ")[2]
    for name, by in re.findall(r"`(\w+)` \((\d+)\)", listed.partition("\n")[0]):
        assert int(by) == len(outside[name]), name
    assert "otherworld" in outside and not {"skylight", "moonlight"} & outside.keys()
    runs = [path for path, text in python_files(folder).items() if "\nif __name__ ==" in text or "__main__" in path]
    assert f"- {len(runs)} file{'s' * (len(runs) > 1)} can be run: " in result.answer
    assert "- Scripts that it declares: `ring-cli` = `ring.user:late`." in result.answer


def test_what_is_open_is_what_grep_finds(research: Played) -> None:
    """Notes, unfinished code, deprecations and skipped tests, by the text alone; those near the question first."""
    result, folder, words = research
    texts = python_files(folder)
    whole = "\n".join(texts.values())
    notes = [
        (path, number, line)
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line) and "is no note" not in line
    ]
    near = [note for note in notes if any(hump.startswith(word) for hump in humps(note[2]) for word in words)]
    told = key_figures(result.answer)
    assert told["open notes"] == str(len(notes))
    assert f"; {len(near)} of them with a word of the question." in result.answer
    quoted = re.findall(r"^- `([\w/.]+):(\d+)`: ", result[4].output, re.MULTILINE)
    ordered = [*near, *(note for note in notes if note not in near)][:5]
    assert quoted == [(path, str(number)) for path, number, _ in ordered]
    assert told["unfinished places"] == str(len(re.findall(r"^\s*raise NotImplementedError", whole, re.MULTILINE)))
    warned = len(re.findall(r"\bwarn\((?:[^()]|\([^()]*\))*\bDeprecationWarning", whole))
    assert f"- {warned} place{'s' * (warned != 1)} warn that something is deprecated" in result.answer
    assert (
        "- 2 places skip a test or expect it to fail: `tests/test_ring.py:2`, `tests/test_ring.py:4`." in result.answer
    )


def test_the_recommendation_follows_from_the_looks(research: Played) -> None:
    """The files that the first two looks put first are those to read, and the analysis says whether they agree."""
    result, folder, _ = research
    words = re.search(r"^- Most different words: `(.+?)` ", result[1].output, re.MULTILINE)
    defined = re.search(r"^- Most of these definitions: `(.+?)` ", result[2].output, re.MULTILINE)
    assert words and defined
    assert (folder / words[1]).is_file() and (folder / defined[1]).is_file()
    reading = result.answer.partition("## Recommendation")[2].partition("\n## ")[0]
    assert re.findall(r"`(.+?)`", reading) == list(dict.fromkeys([defined[1], words[1]]))
    assert ("lead to the same file" in result.answer) == (words[1] == defined[1])


def test_each_look_gives_the_same_figures_again(tmp_path: Path) -> None:
    """Nothing hangs on the order of sets: another hash seed, the same figures."""
    folder = copied("nbconvert", tmp_path, PLANTED)
    for recipe in ("research_words", "research_names", "research_open"):
        assert looked(recipe, folder, 1, words=WORDS) == looked(recipe, folder, 2, words=WORDS)
    assert looked("research_structure", folder, 1) == looked("research_structure", folder, 2)


def test_a_package_is_looked_at_from_within_too(tmp_path: Path) -> None:
    """Where the workspace is the package itself, its imports of itself by name are its own."""
    folder = copied("nbformat", tmp_path)
    outer, inner = looked("research_structure", folder), looked("research_structure", folder / "nbformat")
    assert inner["imports"] == outer["imports"] > 20
    assert [row[0] for row in outer["table"]] == [f"nbformat/{row[0]}" for row in inner["table"]]
    assert inner["outside"] == outer["outside"]


def test_without_a_trace_it_says_so(tmp_path: Path) -> None:
    """Words that occur nowhere lead nowhere; what does not parse, and another language, is told."""
    folder = written(tmp_path / "checkout", {"main.go": "package main\n", "broken.py": "def f(:\n"})
    with played("Research zyzzyvas.", folder, tmp_path / "home") as result:
        assert result.status == "completed"
        assert "- Nowhere in the checkout: `zyzzyva`." in result.answer
        assert "- No definition in 0 parsed Python files has a word of the question in its name." in result.answer
        assert "- No Python file could be parsed; other languages were not looked at." in result.answer
        assert "- Neither the words nor the names of definitions lead anywhere in this checkout." in result.answer
        assert "- None: ask with the words that the code itself uses" in result.answer
        assert "- Not parsed, as no Python of this version: broken.py." in result.answer


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("How are the processes stopped, and which classes are caching?", ["process", "stopp", "class", "cach"]),
        ("What does KernelManager.start_kernel do with ports?", ["kernelmanager", "start_kernel", "port"]),
        ("Research how it works", []),
        (" ".join(f"word{at}" for at in range(20)), [f"word{at}" for at in range(8)]),
    ],
)
def test_a_questions_words(asked: str, words: list[str]) -> None:
    """What is not common, without endings, in order, the first eight."""
    assert question_words(asked) == words


@pytest.mark.parametrize(
    "goal",
    [
        "Research how the session signs its messages.",
        "Trace the callers of `write_connection_file`.",
        "Which library could replace tornado, and what are the alternatives?",
        "Find dead code in this repository.",
        "Investigate why it is implemented like this.",
    ],
)
def test_the_guide_is_chosen_for_its_kind_of_goal(goal: str) -> None:
    """Among all guides the research guide is the one that these goals name."""
    assert chosen(goal) == "research"
