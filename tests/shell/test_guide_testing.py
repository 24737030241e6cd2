"""The testing guide, played on real packages with planted tests: every rule against another way to count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from conductor_magic.result import ConductResult
from tests.support.checkouts import copied, figures, key_figures, places, played, ruffed, written

CODE = '''\
"""Code with and without tests."""


def tried(value):
    """Named by a test."""
    if value < 0:
        raise TriedError(value)


def untried(value):
    """Named by none: its boundary was never stood on."""  # name
    if 0 <= value:
        raise UntriedError(value)  # error never expected
    raise NotImplementedError


class Thing:
    """Named."""

    def forgotten_method(self):
        """Named by none."""

    def _private(self):
        """Nobody's business."""
'''
TESTS = """\
import os, random, time, unittest
from datetime import datetime
import pytest
from aaa import code


def test_twice():
    assert code.tried(1) is None


def test_twice():  # defined twice
    with pytest.raises((code.TriedError, KeyError)):
        code.tried(-1)


def test_idle():  # asserts nothing
    code.Thing()


def helper():
    really()


def really():
    assert code


def test_by_a_helper():
    helper()


@pytest.mark.skip
def test_skipped():  # skipped
    assert code


@pytest.mark.parametrize("one", [1])
def test_unsteady(one, client, sock, monkeypatch):
    time.sleep(1)  # sleeps
    time.sleep(0)
    os.chdir(one)  # changes the process
    os.environ["ONE"] = "1"  # changes the process
    monkeypatch.setenv("ONE", "1")
    client.get("https://pypi.org/simple")  # outside address
    client.get("http://localhost:80/")
    client.get("https://www.example.com/")
    sock.bind(("127.0.0.1", 8080))  # fixed port
    sock.bind(("127.0.0.1", 0))
    sock.listen(5)
    open("/tmp/fixed")  # fixed place
    random.choice([1, 2])  # chance without a seed
    assert datetime.now()  # reads the clock


@pytest.fixture
def made():
    return 1
"""
SEEDED = "import random\n\n\ndef test_seeded():\n    random.seed(1)\n    assert random.random()\n"
ALONE = '"""A module that no test imports."""\n\n\ndef lonely():\n    """Named by none."""\n'
FILES = {
    "aaa/code.py": CODE, "aaa/alone.py": ALONE, "aaa/tests/test_code.py": TESTS, "aaa/tests/test_seed.py": SEEDED,
}  # fmt: skip
TEST = re.compile(r"^( *)(?:async )?def (test\w*)\(", re.MULTILINE)
Stock = tuple[ConductResult, Path, str]


def marked(text: str) -> list[tuple[str, int]]:
    """(rule, line) of each planted fault, by the comment beside it."""
    return [
        (line.rpartition("  # ")[2], at)
        for at, line in enumerate(text.splitlines(), 1)
        if "  # " in line and not line.endswith("# name")
    ]


def split(folder: Path, package: str) -> tuple[dict[Path, str], dict[Path, str]]:
    """The texts of the package's test files, and of the others."""
    texts = {path: path.read_text("utf-8") for path in sorted((folder / package).rglob("*.py"))}
    inside = {path for path in texts if {"test", "tests"} & set(path.parts) or path.name == "conftest.py"}
    tests = {path for path in texts if path in inside or path.name.startswith("test_") or path.stem.endswith("_test")}
    return {path: texts[path] for path in texts if path in tests}, {
        path: texts[path] for path in texts if path not in tests
    }


def found(result: ConductResult, key: int) -> Counter[str]:
    """How often each rule was found, by a look's own table."""
    return Counter({rule: int(row[1]) for rule, row in figures(result[key].output, "rule | weight").items()})


@pytest.fixture(scope="module", params=["jupyter_lsp", pytest.param("jsonschema", marks=pytest.mark.slow)])
def stock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """A package (one in pytest's style, one in unittest's) with planted tests beside it, looked at."""
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), FILES)
    with played("Which parts are untested?", folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, request.param


def test_it_ends_with_a_report_of_all_four_looks(stock: Stock) -> None:
    """Five tasks, all completed; the answer has a part for each look."""
    result, *_ = stock
    assert (result.status, len(result.tasks)) == ("completed", 5), result.reason
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "The tests that there are", "What no test names", "Errors and boundaries", "What may fail now and then",
        "Key figures",
    ]  # fmt: skip


def test_every_planted_shape_is_named_with_its_place_and_its_neighbours_are_not(stock: Stock) -> None:
    """Each rule finds its fault at the line that has it; no harmless line is named."""
    result, *_ = stock
    told = [(m[1], m[3], int(m[2])) for m in re.finditer(r"(aaa/[\w/]+\.py):(\d+) ([a-z ]+)[:.]", result.answer)]
    assert {(rule, line) for path, rule, line in told if path.endswith("test_code.py")} == set(marked(TESTS))
    assert {(rule, line) for path, rule, line in told if path.endswith("code.py") and "tests" not in path} == {
        *marked(CODE), ("boundary never tried", CODE[: CODE.index("def untried")].count("\n") + 1),
    }  # fmt: skip
    assert not any(path == "aaa/tests/test_seed.py" for path, _ in places(result.answer))


def test_the_inventory_agrees_with_the_text(stock: Stock) -> None:
    """Tests, styles, fixtures, parameters and lines, by search; redefinitions by ruff."""
    result, folder, package = stock
    tests, code = split(folder, package)
    texts = [*tests.values(), TESTS, SEEDED]
    assert key_figures(result.answer)["tests"] == str(sum(len(TEST.findall(text)) for text in texts))
    assert key_figures(result.answer)["test files"] == str(sum(bool(TEST.search(text)) for text in texts))
    own = sum(text.count("\n") for text in [*code.values(), CODE, ALONE])
    assert f"Lines of tests: {sum(text.count(chr(10)) for text in texts)}; of what they test: {own}." in result.answer
    cases = sum(len(re.findall(r"^ *@pytest\.mark\.parametrize", text, re.MULTILINE)) for text in texts)
    lists = sum(len(re.findall(r"parametrize\([^@]*?\)\n+ *@(?:pytest\.mark\.)?parametrize", text)) for text in texts)
    fixtures = sum(len(re.findall(r"^ *@(?:pytest\.)?fixture", text, re.MULTILINE)) for text in texts)
    assert f"Parametrized: {cases - lists}. Fixtures: {fixtures}." in result.answer
    for style in ("pytest", "unittest"):
        using = sum(
            bool(re.search(rf"^\s*(?:import|from) (?:[\w, ]+, )?{style}\b", text, re.MULTILINE)) for text in texts
        )
        assert f"{style} ({using} file" in result.answer
    twice = ruffed(folder / package, "F811")["F811"]
    assert found(result, 1)["defined twice"] == twice + 1


def test_gaps_agree_with_grep(stock: Stock) -> None:
    """Public names by a search for definitions at the margin, and each looked up in the test files by grep."""
    result, folder, package = stock
    tests, code = split(folder, package)
    words = Counter(re.findall(r"\w+", "\n".join([*tests.values(), TESTS, SEEDED])))
    public = missing = 0
    graph = grimp.build_graph(package, cache_dir=None)
    testing = {f"{package}.{'.'.join(path.relative_to(folder / package).with_suffix('').parts)}" for path in tests}
    testing = {name.removesuffix(".__init__") for name in testing}
    used = {name for test in testing & graph.modules for name in graph.find_modules_directly_imported_by(test)}
    lonely = 0
    for path, text in [*code.items(), (folder / "aaa/code.py", CODE), (folder / "aaa/alone.py", ALONE)]:
        names, owner = [], ""
        for match in re.finditer(r"^(    |)(?:async )?(def|class) (\w+)", text, re.MULTILINE):
            indent, kind, name = match.groups()
            if not indent:
                owner = name if kind == "class" else ""
            if not name.startswith("_") and (not indent or (owner and not owner.startswith("_"))):
                names.append(name)
        public += len(names)
        missing += sum(not words[name] for name in names)
        module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        lonely += bool(names) and module not in {*used, "aaa.code"}
    figure = key_figures(result.answer)
    assert (figure["public names"], figure["public names in no test file"]) == (str(public), str(missing))
    rows = figures(result[2].output, "module | public names")
    assert rows["aaa/code.py"] == ["4", "2", "yes"]
    assert figure["modules that no test imports"] == str(lonely)


def test_edges_agree_with_a_search(stock: Stock) -> None:
    """Raised errors and expected ones, by regular expressions over the text."""
    result, folder, package = stock
    tests, code = split(folder, package)
    raised = [
        name.rpartition(".")[2]
        for text in [*code.values(), CODE]
        for name in re.findall(r"^\s*raise ([\w.]+)", text, re.MULTILINE)
    ]
    raised = [name for name in raised if name[:1].isupper() and name != "NotImplementedError"]
    expected = {
        name.rpartition(".")[2]
        for text in [*tests.values(), TESTS]
        for inside in re.findall(r"\b(?:raises|assertRaises|assertRaisesRegex)\(\s*\(?([\w., \n]+)", text)
        for name in re.findall(r"[\w.]+", inside)
    }
    assert key_figures(result.answer)["places that raise"] == str(len(raised))
    assert found(result, 3)["error never expected"] == sum(name not in expected for name in raised)


def test_flicker_agrees_with_a_search(stock: Stock) -> None:
    """Sleeps, the environment, the clock and fixed folders of the test files, by regular expressions."""
    result, folder, package = stock
    texts = [*split(folder, package)[0].values(), TESTS]
    rules = found(result, 4)
    shapes = {
        "sleeps": r"\bsleep\((?!0\)|{)",  # a program in a text sleeps for itself
        "changes the process": r"os\.chdir\(|os\.environ\[[^\]]+\] = ",
        "reads the clock": r"\b(?:datetime|date)\.(?:now|utcnow|today)\(|\btime\.time\(",
        "fixed place": r"""["']/tmp/""",
    }
    for rule, shape in shapes.items():
        assert rules[rule] == sum(len(re.findall(shape, text)) for text in texts), rule
    steady = ("outside address", "fixed port", "chance without a seed")
    assert {rule: rules[rule] for rule in steady} == dict.fromkeys(steady, 1)


def test_without_tests_it_says_so(tmp_path: Path) -> None:
    """Nothing is called tested or steady where there is no test file."""
    folder = written(tmp_path / "checkout", {"alone.py": ALONE})
    with played("Which parts are untested?", folder, tmp_path / "home") as result:
        assert result.status == "completed"
        assert "1 of 1 public name stand in no test file; 1 of 1 module are imported by none." in result.answer
        assert result.answer.count("No Python test file here") == 5
        assert "looked for and not found: sleeps" not in result.answer
