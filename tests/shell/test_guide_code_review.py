"""The code-review guide, played on real packages with planted faults: every rule against another way to count."""

from __future__ import annotations

import importlib.util
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from conductor_magic.result import ConductResult
from tests.support.checkouts import copied, figures, key_figures, places, played, ruffed, written

PLANTED = '''\
"""Faults, each with its rule beside it, and their harmless neighbours."""
import hashlib, os, pickle, ssl, subprocess as sp, tarfile, tempfile, yaml
from os.path import *  # star import
from jupyter_core.paths import _private  # private name of another package
eval(os.environ["X"])  # eval or exec
eval("1 + 1")
sp.run("ls " + os.sep, shell=True)  # shell command
os.system(os.sep)  # shell command
sp.run("ls", shell=True)
db.cursor().execute(f"SELECT * FROM t WHERE a = {os.sep}")  # SQL put together
db.execute("select %s" % os.sep)  # SQL put together
db.execute("SELECT * FROM t WHERE a = ?", (1,))
db_password = "hunter2hunter2"  # secret in the source
password = "your password"
password_field = "password1field"
client.get(verify=False)  # certificate unchecked
context.verify_mode = ssl.CERT_NONE  # certificate unchecked
assert context.verify_mode != ssl.CERT_NONE
yaml.load(os.sep)  # unsafe YAML
yaml.load(os.sep, Loader=yaml.CSafeLoader)
pickle.loads(b"")  # unpickling
pickle.dumps(1)
tarfile.open("x").extractall("y")  # archive unpacked
tarfile.open("x").extractall("y", filter="data")
tempfile.mktemp()  # guessable file
hashlib.md5(b"")  # weak hash
hashlib.md5(b"", usedforsecurity=False)
host = "0.0.0.0"  # all interfaces


def mistakes(one=[], two=(), *, three=dict()):  # shared default
    """Mistakes."""
    assert (one, "two")  # always true
    assert one, "two"
    if one is 1 or two is None:  # identity of a literal
        return {"a": 1, "b": 2, "a": 3}  # repeated key
    if one == None:  # equal to None
        raise NotImplemented  # NotImplemented raised
    try:
        return 1
        one = 2  # unreachable
    except Exception:  # error swallowed
        pass
    try:
        two()
    except:  # bare except
        two = 3
    try:
        two()
    except:
        raise
    finally:
        while two:
            break
        return 2  # leaves a finally


def mistakes():  # defined twice
    """Again."""
    raise NotImplementedError
    yield


class notCaps:  # name against PEP 8
    """A class."""

    def bare(self):  # no docstring
        print(self)  # print in a library
        return "LONG"  # line over 120
    def _hidden(self):
        pass  # TODO: this  # open marker


def wide(  # over 8 parameters
WIDTH):
    """Takes too much."""


def deep(a):  # nested over 5 deep
    """Goes too deep."""
    with a:
        for b in a:
            while b:
                try:
                    if b:
                        if a:
                            return 1
                finally:
                    b = 0


def branched(a):  # branches over 15
    """Takes too many ways."""
    BRANCHES


def long(a):  # over 100 lines
    """Goes on."""
LINES
'''
PLANTED = (
    PLANTED.replace("WIDTH", "".join(f"    a{at},\n" for at in range(30)))
    .replace("LONG", "x" * 110)
    .replace("    BRANCHES\n", "    a() or a\n" * 90)
    .replace("LINES", "    a()\n" * 300)
)
FILES = {
    "aaa/planted.py": PLANTED,
    "aaa/one.py": '"""One: two imports it back."""\nfrom aaa import two\n',
    "aaa/two.py": '"""Two."""\nimport aaa.one\n',
    "aaa/three.py": '"""Three: four imports it, but not at load."""\nimport aaa.four\n',
    "aaa/four.py": '"""Four."""\nif TYPE_CHECKING:\n    import aaa.three\n',
}
TESTS = {"aaa/tests/test_it.py": "def test():\n    assert (eval(input()), print())\n"}
BRANCHING = {"if", "elif", "for", "while", "except", "and", "or"}
NESTING = {"if", "elif", "else", "for", "while", "with", "try", "except", "finally", "async"}


def marked() -> list[tuple[str, int]]:
    """(rule, line) of each planted fault, by the comment beside it."""
    found = [(line.rpartition("  # ")[2], at) for at, line in enumerate(PLANTED.splitlines(), 1) if "  # " in line]
    # Two mutable defaults stand on the one line.
    return [*found, *(place for place in found if place[0] == "shared default")]


def planted() -> Counter[str]:
    """How often each rule is broken by what was planted; of the test only what is a mistake anywhere."""
    return Counter([rule for rule, _ in marked()] + ["always true"])


def token_counts(text: str) -> Iterator[tuple[int, int, int]]:
    """(branches, depth, lines) of each function, from its tokens: no syntax tree."""
    blocks: list[str] = []  # the words that opened the blocks that are open
    functions: list[list[int]] = []  # of those, per function: where its blocks begin, first line, branches, depth
    statement: list[tokenize.TokenInfo] = []
    header: list[tokenize.TokenInfo] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            words = [part.string for part in header[:2]]
            blocks.append("def" if "def" in words else words[0])
            if blocks[-1] == "def":
                functions.append([len(blocks), header[0].start[0], 1, 0])
            if functions:
                functions[-1][3] = max(functions[-1][3], sum(word in NESTING for word in blocks[functions[-1][0] :]))
        elif token.type == tokenize.DEDENT:
            if blocks.pop() == "def":
                _, first, branches, depth = functions.pop()
                yield branches, depth, last - first + 1
        elif token.type == tokenize.NEWLINE:
            header, statement, last = statement, [], token.end[0]
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            statement.append(token)
            if functions and token.string in BRANCHING:
                functions[-1][2] += 1


def own_files(folder: Path, package: str) -> list[Path]:
    """The package's Python files that are no tests."""
    return sorted(path for path in (folder / package).rglob("*.py") if "test" not in path.name)


Review = tuple[ConductResult, Path, str]


@pytest.fixture(scope="module", params=["jupyter_client", pytest.param("nbconvert", marks=pytest.mark.slow)])
def review(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    """A package with a planted one beside it, reviewed; the folder; the package's name."""
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), {**FILES, **TESTS})
    with played("Review this code for bugs.", folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, request.param


def found(result: ConductResult, key: int) -> Counter[str]:
    """How often each rule was found, by a look's own table."""
    return Counter({rule: int(row[1]) for rule, row in figures(result[key].output, "rule | weight").items()})


def test_it_ends_with_the_report_of_the_guides_shape(review: Review) -> None:
    """Six tasks, all completed; the answer has the sections of the guide in their order."""
    result, *_ = review
    assert (result.status, len(result.tasks)) == ("completed", 6), result.reason
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "Must fix", "Should fix", "Consider", "Good", "Not looked at", "Key figures",
    ]  # fmt: skip


def test_every_planted_fault_is_named_with_its_place_and_its_neighbours_are_not(
    review: Review,
) -> None:
    """Each rule finds its fault at the line that has it; no harmless line is named."""
    result, *_ = review
    told = "\n".join(task.output for task in result.tasks)
    named = {(rule.strip(), int(line)) for line, rule in re.findall(r"aaa/planted\.py:(\d+) ([^:`.|]+)[:.]", told)}
    assert named == set(marked())
    assert {place for place in places(result.answer) if place[0].startswith("aaa/planted")} == {
        ("aaa/planted.py", line) for _, line in marked()
    }
    assert places(result.answer) & {("aaa/tests/test_it.py", line) for line in (1, 2)} == {("aaa/tests/test_it.py", 2)}
    assert "test_it.py:2 always true" in result.answer
    assert "test_it.py:2 eval" not in told
    assert "hunter2hunter2" not in told
    assert "aaa/one.py:2 import cycle: `2 modules: aaa/one.py, aaa/two.py`" in result.answer
    must = result.answer.partition("## Must fix")[2].partition("\n## ")[0]
    assert "SQL put together" in must and "repeated key" in must and "weak hash" not in must


def test_security_and_correctness_agree_with_ruff(review: Review) -> None:
    """Every count is what ruff finds in the package, and the planted ones."""
    result, folder, package = review
    codes = {
        "eval or exec": ("S102", "S307"), "shell command": ("S602", "S605"), "SQL put together": ("S608",),
        "unsafe YAML": ("S506",), "certificate unchecked": ("S501",), "unpickling": ("S302",),
        "archive unpacked": ("S202",), "guessable file": ("S306",), "weak hash": ("S324",), "all interfaces": ("S104",),
        "always true": ("F631",), "identity of a literal": ("F632",), "repeated key": ("F601",),
        "NotImplemented raised": ("F901",), "error swallowed": ("S110", "S112"), "bare except": ("E722",),
        "shared default": ("B006",), "leaves a finally": ("B012",), "equal to None": ("E711",),
    }  # fmt: skip
    ruff = ruffed(folder / package, *(code for group in codes.values() for code in group))
    expected = Counter({rule: planted()[rule] + sum(ruff[code] for code in group) for rule, group in codes.items()})
    both = found(result, 1) + found(result, 2)
    assert {rule: both[rule] for rule in codes} == dict(expected)
    for key, subject in ((1, "security"), (2, "correctness")):
        counts = found(result, key)
        weights = {rule: row[0] for rule, row in figures(result[key].output, "rule | weight").items()}
        for weight in ("must fix", "should fix", "consider"):
            whole = sum(count for rule, count in counts.items() if weights[rule] == weight)
            assert key_figures(result.answer)[f"{subject}, {weight}"] == str(whole)


def test_complexity_agrees_with_the_tokens(review: Review) -> None:
    """Branches, depth and length of each function, counted over its tokens; parameters by ruff."""
    result, folder, package = review
    texts = [path.read_text("utf-8") for path in own_files(folder, package)]
    measured = [figures for text in texts for figures in token_counts(text)]
    rules = found(result, 3)
    assert rules["branches over 15"] == planted()["branches over 15"] + sum(one[0] > 15 for one in measured)
    assert rules["nested over 5 deep"] == planted()["nested over 5 deep"] + sum(one[1] > 5 for one in measured)
    assert rules["over 100 lines"] == planted()["over 100 lines"] + sum(one[2] > 100 for one in measured)
    arguments = ruffed(folder / package, "PLR0913", lint__pylint__max_args=8)["PLR0913"]
    assert rules["over 8 parameters"] == planted()["over 8 parameters"] + arguments
    functions = len(measured) + len(re.findall(r"^ *def ", PLANTED, re.MULTILINE))
    assert key_figures(result.answer)["functions"] == str(functions)
    worst = [tuple(map(int, row[1:4])) for row in figures(result[3].output, "place | function").values()]
    every = sorted((one for text in [*texts, PLANTED] for one in token_counts(text)), reverse=True)
    assert [one[0] for one in worst] == [one[0] for one in every[:8]]
    assert set(worst) <= set(every)
    lines = sum(text.count("\n") for text in [*texts, *FILES.values()])
    assert key_figures(result.answer)["lines"] == str(lines)


def test_layers_agree_with_another_import_graph(review: Review) -> None:
    """The imports are those that grimp finds; the cycles those of its edges that stand at the left margin."""
    result, _, package = review
    graph = grimp.build_graph(package, cache_dir=None)
    edges = {(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)}
    assert key_figures(result.answer)["imports between own modules"] == str(len(edges) + 4)
    at_load = {
        (a, b)
        for a, b in edges
        if any(
            not source_line(a, detail["line_number"]).startswith((" ", "\t"))
            for detail in graph.get_import_details(importer=a, imported=b)
        )
    }
    reach = set(at_load)
    while more := {(a, d) for a, b in reach for c, d in at_load if b == c} - reach:
        reach |= more
    groups = {frozenset(b for a, b in reach if a == one and (b, one) in reach) for one, _ in reach} - {frozenset()}
    assert key_figures(result.answer)["import cycles"] == str(len(groups) + 1)
    rules = found(result, 4)
    assert rules["import cycle"] == len(groups) + 1


def source_line(module: str, line: int) -> str:
    """The text of a line of an installed module."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin
    return Path(spec.origin).read_text("utf-8").splitlines()[line - 1]


def test_standards_agree_with_ruff_and_the_text(review: Review) -> None:
    """Docstrings, prints and names by ruff; long lines and markers by the text itself."""
    result, folder, package = review
    rules = found(result, 5)
    ruff = ruffed(folder / package, "D100", "D101", "D102", "D103", "D104", "T201")
    assert rules["no docstring"] == planted()["no docstring"] + sum(ruff[code] for code in ruff if code.startswith("D"))
    assert rules["print in a library"] == planted()["print in a library"] + ruff["T201"]
    lines = [line for path in own_files(folder, package) for line in path.read_text("utf-8").splitlines()]
    assert rules["line over 120"] == sum(len(line) > 120 for line in [*lines, *PLANTED.splitlines()])
    marks = sum(bool(re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line)) for line in lines)
    assert rules["open marker"] == planted()["open marker"] + marks
    left = [re.match(r"(?:async )?def (\w+)|class (\w+)", line) for line in lines]
    odd = sum(
        bool(match) and (match[1] != match[1].lower() if match[1] else not re.match(r"_*[A-Z][A-Za-z0-9]*$", match[2]))
        for match in left
    )
    assert rules["name against PEP 8"] == planted()["name against PEP 8"] + odd


def test_what_is_clean_is_called_good(tmp_path: Path) -> None:
    """Rules that were looked for in vain are named as good, one that found something is not; shares are told."""
    text = '"""A module."""\n\nHOST = "0.0.0.0"\n\n\ndef f() -> None:\n    """Do."""\n'
    with played("Review this code.", written(tmp_path / "small", {"one.py": text}), tmp_path / "home") as result:
        good = result.answer.partition("## Good")[2].partition("\n## ")[0]
        assert all(
            rule in good for rule in ("unpickling", "repeated key", "import cycle", "no docstring", "over 100 lines")
        )
        assert "all interfaces" not in good
        assert "- 2 of 2 public things with a docstring (100.0 %)." in good
        must = result.answer.partition("## Must fix")[2].partition("\n## ")[0]
        assert must.strip() == "- Nothing that a rule finds."


def test_where_there_is_no_python_it_says_so(tmp_path: Path) -> None:
    """A folder of another language is not called clean; a file that does not parse is named."""
    folder = written(tmp_path / "checkout", {"main.go": "package main\n", "broken.py": "def f(:\n"})
    with played("Review this code.", folder, tmp_path / "home") as result:
        assert result.status == "completed"
        assert "Security: no Python file here that could be parsed, so nothing was judged." in result.answer
        assert "- Not parsed, as no Python of this version: broken.py." in result.answer
        assert "looked for and not found" not in result.answer
