"""The software-development guide, played on real packages with a planted one: each look counted another way too."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from conductor_magic.result import ConductResult
from tests.support.checkouts import copied, figures, key_figures, played, ruffed, written

OPEN = '''\
"""Planted."""
import abc
import warnings

__all__ = ["present", "absent"]


def present():
    """There."""
    warnings.warn("going", DeprecationWarning)
    warnings.warn("staying", UserWarning)
    raise NotImplementedError("later")  # TODO: now


class Base(abc.ABC):
    """A base."""

    @abc.abstractmethod
    def method(self):
        """Meant so."""
        raise NotImplementedError
'''
PROJECT = """\
[project]
name = "aaa"
requires-python = ">=3.11"
dependencies = ["one", "two"]
scripts = { aaa-run = "aaa.main:run" }

[tool.ruff]
line-length = 100
"""
FILES = {
    "pyproject.toml": PROJECT,
    "Makefile": "FLAG := 1\ntest: build\n\tpytest\nbuild:\n\ttrue\n",
    ".github/workflows/ci.yml": "on: push\n",
    "web.go": "package main\n",
    "aaa/open.py": OPEN,
    "aaa/left.py": "from aaa import right\n",
    "aaa/right.py": "import aaa.left\n",
    "aaa/alone.py": 'if __name__ == "__main__":\n    print()\n',
}
PLANTED_PARTS = 3
"""open; left with right; alone."""

Work = tuple[ConductResult, Path, str]


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in ("nbformat", "anyio")])
def work(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """A package with a planted one beside it, looked at before a feature is built."""
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), FILES)
    with played("Implement a feature: export as text.", folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, request.param


def code(folder: Path, package: str) -> dict[Path, str]:
    """The texts of the package's Python files that are no tests."""
    texts = {path: path.read_text("utf-8") for path in sorted((folder / package).rglob("*.py"))}
    tests = {path for path in texts if "tests" in path.parts or path.name.startswith("test_")}
    return {path: text for path, text in texts.items() if path not in tests}


def own_graph(package: str) -> tuple[set[str], set[tuple[str, str]], set[tuple[str, str]]]:
    """The modules, the imports between them, and those that stand at the left margin; without tests, by grimp."""
    graph = grimp.build_graph(package, cache_dir=None)
    modules = {name for name in graph.modules if "tests" not in name.split(".")}
    edges = {(a, b) for a in modules for b in graph.find_modules_directly_imported_by(a) & modules}
    margin = set()
    for importer, imported in edges:
        spec = importlib.util.find_spec(importer)
        assert spec is not None and spec.origin is not None
        lines = Path(spec.origin).read_text("utf-8").splitlines()
        numbers = [one["line_number"] for one in graph.get_import_details(importer=importer, imported=imported)]
        if any(not lines[number - 1].startswith((" ", "\t")) for number in numbers):
            margin.add((importer, imported))
    return modules, edges, margin


def joined(names: set[str], pairs: set[tuple[str, str]]) -> list[set[str]]:
    """The groups that pairs join, by merging two at a time."""
    groups = [{name} for name in names]
    for one, other in pairs:
        first, second = (next(group for group in groups if name in group) for name in (one, other))
        if first is not second:
            first |= second
            groups = [group for group in groups if group is not second]
    return groups


def test_it_ends_with_the_ground_for_a_plan_and_says_that_nothing_was_built(work: Work) -> None:
    """Six tasks, all completed; a part for each look; no claim that anything was written, and no file changed."""
    result, *_ = work
    assert (result.status, len(result.tasks)) == ("completed", 6), result.reason
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "What there is", "What rests on what", "How it is built and checked", "Open work",
        "What can be worked on side by side", "Key figures", "Not built",
    ]  # fmt: skip
    assert not result.files


def test_structure_and_checks_agree_with_the_files(work: Work) -> None:
    """Modules, packages, lines, entries and manifests, by the files' names and text."""
    result, folder, package = work
    texts = code(folder, package)
    planted = [text for path, text in FILES.items() if path.endswith(".py")]
    lines = sum(text.count("\n") for text in [*texts.values(), *planted])
    packages = sum(path.name == "__init__.py" for path in texts)
    tests = len(list((folder / package).rglob("*.py"))) - len(texts)
    said = f"{len(texts) + len(planted)} Python modules in {packages} packages, {lines} lines; {tests} test files."
    assert f"- {said}\n" in result.answer
    largest = max(texts, key=lambda path: texts[path].count("\n"))
    size = texts[largest].count("\n")
    assert f"- Largest: {largest.relative_to(folder).as_posix()} ({size} lines).\n" in result.answer
    assert "- Command: `aaa-run = aaa.main:run`.\n" in result.answer
    assert "- Run as a script: aaa/alone.py:1.\n" in result.answer
    assert "- Not read, as no Python: Go (1).\n" in result.answer
    assert "- Built and checked by: `pyproject.toml`, `Makefile`, `.github/workflows/ci.yml`.\n" in result.answer
    assert "- Python >=3.11, with 2 dependencies.\n" in result.answer
    assert "- Tools with settings in pyproject.toml: `ruff`.\n" in result.answer
    assert "- Make targets: `test`, `build`.\n" in result.answer


def test_interfaces_agree_with_another_import_graph(work: Work) -> None:
    """Imports and importers are those of grimp, public names those at the margin, missing names those of ruff."""
    result, folder, package = work
    _, edges, _ = own_graph(package)
    figure = key_figures(result.answer)
    assert figure["imports between modules"] == str(len(edges) + 2)
    shape = re.compile(r"^(?:async )?(?:def|class) (?!_)", re.MULTILINE)
    assert figure["public names"] == str(
        sum(len(shape.findall(text)) for text in [*code(folder, package).values(), OPEN])
    )
    users = Counter(imported for _, imported in edges)
    rows = figures(result[2].output, "module | imported by")
    assert int(next(iter(rows.values()))[0]) == max(users.values())
    for path, row in rows.items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert int(row[0]) == users[module] or path.startswith("aaa/")
    missing = ruffed(folder / package, "F822")["F822"]
    assert figures(result[2].output, "rule | weight")["__all__ names nothing"][1] == str(missing + 1)
    assert "- must fix: aaa/open.py:5 __all__ names nothing: `absent`.\n" in result.answer


def test_open_work_agrees_with_a_search(work: Work) -> None:
    """What is not implemented, deprecated or marked, by regular expressions; what is abstract is not open."""
    result, folder, package = work
    rules = {rule: int(row[1]) for rule, row in figures(result[4].output, "rule | weight").items()}
    texts = [*code(folder, package).values(), OPEN]
    raised = sum(len(re.findall(r"^\s*raise NotImplementedError", text, re.MULTILINE)) for text in texts)
    # From the decorator to the next definition or decorator after its own.
    head = r"\n\s*(?:@|(?:async )?def )"
    abstract = rf"@(?:abc\.)?abstractmethod\n\s*(?:async )?def (?:(?!{head})[\s\S])*"
    meant = sum(part.count("raise NotImplementedError") for text in texts for part in re.findall(abstract, text))
    assert rules["not implemented"] == raised - meant
    warned = r"\bwarn\((?:[^()]|\([^()]*\))*?\b(?:Deprecation|PendingDeprecation|Future)Warning"
    assert rules["deprecated"] == sum(len(re.findall(warned, re.sub(r"(?m)^\s*#.*$", "", text))) for text in texts)
    lines = [line for text in texts for line in text.splitlines()]
    assert rules["open marker"] == sum(bool(re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line)) for line in lines)
    assert {rule: line for line, rule in re.findall(r"aaa/open\.py:(\d+) ([a-z ]+):", result[4].output)} == {
        "not implemented": "12", "deprecated": "10", "open marker": "12",
    }  # fmt: skip
    assert key_figures(result.answer)["open places"] == str(sum(rules.values()))


def test_slices_agree_with_groups_joined_otherwise(work: Work) -> None:
    """Shared modules, parts and circles, from grimp's edges, merged two groups at a time."""
    result, folder, package = work
    modules, edges, margin = own_graph(package)
    planted = sum(path.endswith(".py") for path in FILES)
    users = Counter(imported for _, imported in edges)
    shared = {name for name in modules if users[name] >= max(4, (len(modules) + planted) / 4)}
    inits = [path.parent for path in code(folder, package) if path.name == "__init__.py"]
    folders = {path.relative_to(folder).as_posix().replace("/", ".") for path in inits}
    left = modules - shared - folders
    parts = joined(left, {(a, b) for a, b in edges if {a, b} <= left})
    figure = key_figures(result.answer)
    assert figure["parts"] == str(len(parts) + PLANTED_PARTS)
    told = set(re.findall(r"Shared, so one owner and first: (\S+) \(", result.answer))
    assert len(told) == min(6, len(shared))
    assert {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in told} <= shared
    largest = figures(result[5].output, "part | modules")["1"]
    assert int(largest[0]) in {len(part) for part in parts}
    reach = set(margin)
    while more := {(a, d) for a, b in reach for c, d in margin if b == c} - reach:
        reach |= more
    circles = {frozenset(b for a, b in reach if a == one and (b, one) in reach) for one, _ in reach} - {frozenset()}
    assert figure["import circles"] == str(len(circles) + 1)
    assert "the first: `aaa/left.py`, `aaa/right.py`." in result.answer


def test_without_python_it_says_so(tmp_path: Path) -> None:
    """A checkout of another language is not described as if it had been read; a broken manifest is named."""
    folder = written(tmp_path / "checkout", {"main.go": "package main\n", "pyproject.toml": "[project\n"})
    with played("Implement a feature.", folder, tmp_path / "home") as result:
        assert result.status == "completed"
        assert "- 2 files, no Python module that could be parsed: nothing was read.\n" in result.answer
        assert "- pyproject.toml is no valid TOML." in result[3].output
        assert "No circle" not in result.answer


def test_what_many_share_is_named_and_splits_the_rest(tmp_path: Path) -> None:
    """A module that four others import is shared, one that three import is not; without it the rest falls apart."""
    imports = {"hub": "", "near": "", "a": "hub, near", "b": "hub, near", "c": "hub, near", "d": "hub", "e": ""}
    texts = {f"{name}.py": f"import {others}\n" if others else "X = 1\n" for name, others in imports.items()}
    folder = written(tmp_path / "checkout", texts)
    with played("Implement a feature.", folder, tmp_path / "home") as result:
        assert re.findall(r"^- Shared, .+$", result.answer, re.MULTILINE) == [
            "- Shared, so one owner and first: hub.py (imported by 4 modules)."
        ]
        assert re.findall(r"^- Part .+$", result.answer, re.MULTILINE) == [
            "- Part 1: 4 modules, 4 lines, with `a.py`, `b.py`, `c.py`, `near.py`.",
            "- Part 2: 1 module, 1 lines, with `d.py`.",
            "- Part 3: 1 module, 1 lines, with `e.py`.",
        ]
        assert "- No circle of modules that load one another." in result.answer
