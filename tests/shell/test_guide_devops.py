"""The devops guide, played on real packages, pipelines and scripts with planted faults; and its gates."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import playwright
import pytest
import yaml
from packaging.requirements import Requirement

from conductor_magic.guides import read_guide
from conductor_magic.result import ConductResult
from tests.support.checkouts import chosen, copied, figures, key_figures, played, written
from tests.support.looks import looked, python_files
from tests.support.planted_ops import FAULTS, GATES, PLANTED, PLANTED_RISKS

ROOT = Path(__file__).resolve().parents[2]
Played = tuple[ConductResult, Path, str]


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in ("jupyter_server", "ipykernel")]
)
def ops(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A package, its requirements, a real project's pipeline and real shell scripts, with faults beside them."""
    folder = copied(request.param, tmp_path_factory.mktemp("checkout"), PLANTED)
    (folder / "requirements.txt").write_text("\n".join(metadata(request.param).get_all("Requires-Dist", [])))
    for name in ("Makefile", "pyproject.toml", ".github/workflows/check.yml", ".ci/run"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "bin").mkdir()
    for script in (Path(playwright.__file__).parent / "driver" / "package" / "bin").glob("*.sh"):
        shutil.copy(script, folder / "bin")
    with played("Are our pipelines ready to deploy?", folder, tmp_path_factory.mktemp("home")) as result:
        yield result, folder, request.param


def told(result: ConductResult, key: int, mark: str) -> list[str]:
    """The findings of a look that bear a mark."""
    return re.findall(rf"^- {mark}: (.+)$", result[key].output, re.MULTILINE)


def test_the_answer_is_a_readiness_report(ops: Played) -> None:
    """Six tasks, all completed; the parts in their order; no secret's value, and nothing was run."""
    result, *_ = ops
    assert (result.status, len(result.tasks)) == ("completed", 6), result.reason
    assert re.findall(r"^## (.+)$", result.answer, re.MULTILINE) == [
        "In short", "Risks", "Needs a yes", "Missing", "Holds", "Not looked at", "Key figures",
    ]  # fmt: skip
    assert "secret_value" not in "".join(task.output for task in result.tasks)
    assert "[cut:" not in "".join(task.prompt or "" for task in result.tasks)
    gates = result.answer.partition("## Needs a yes\n\n")[2].partition("\n\n")[0].splitlines()
    assert gates == [f"- {finding}" for finding in told(result, 5, "Gate")]


def test_pipelines_are_those_of_a_yaml_parser(ops: Played) -> None:
    """Jobs, limits, permissions and how actions are pinned, by parsing the workflows; the planted risks by line."""
    result, folder, _ = ops
    jobs, pinned, timeless, open_tokens = 0, Counter[str](), 0, 0
    paths = sorted((folder / ".github" / "workflows").glob("*.yml"))
    for path in paths:
        workflow: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        open_tokens += "permissions" not in workflow
        for job in workflow["jobs"].values():
            jobs += 1
            timeless += "timeout-minutes" not in job and "uses" not in job
            for used in [job.get("uses", ""), *(step.get("uses", "") for step in job.get("steps", []))]:
                ref = used.partition("@")[2]
                if ref:
                    pinned["commit" if len(ref) == 40 else "branch" if ref == "main" else "tag"] += 1
    assert (
        f"- {jobs} jobs in {len(paths)} GitHub workflows; actions pinned to a commit: {pinned['commit']}, to a tag "
        f"that can move: {pinned['tag']}, to a branch: {pinned['branch']}."
    ) in result.answer
    kinds = figures(result[1].output, "risk | places")
    assert kinds["job without timeout-minutes: six hours"] == [str(timeless)]
    assert kinds["no permissions: the token may do all that the repository allows"] == [str(open_tokens)]
    risks = looked("ops_pipelines", folder)["risks"]
    assert {(line, kind) for path, line, kind, _ in risks if path.endswith("planted.yml")} == PLANTED_RISKS
    assert {path for path, *_ in risks} == {".github/workflows/planted.yml"}
    assert key_figures(result.answer)["risks in workflows"] == str(len(PLANTED_RISKS))
    for line, kind in PLANTED_RISKS:
        assert f"- .github/workflows/planted.yml:{line} {kind}" in result.answer


def firmness(text: str) -> str:
    """How firmly a requirement names its version, as the packaging library reads it."""
    need = Requirement(text)
    if need.url:
        return "exact" if re.search(r"@[0-9a-f]{40}$", need.url) else "from an address"
    operators = {(one.operator, one.version.endswith("*")) for one in need.specifier}
    if {("==", False), ("===", False)} & operators:
        return "exact"
    if {("<", False), ("<=", False), ("~=", False), ("==", True)} & operators:
        return "range"
    return "least only" if {(">", False), (">=", False)} & operators else "any version"


def test_pins_are_those_of_the_packaging_library(ops: Played) -> None:
    """Requirements of the package and of a real pyproject, each sorted by another parser; npm's as planted."""
    result, folder, package = ops
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    extras = [entry for entries in project["project"]["optional-dependencies"].values() for entry in entries]
    own = project["project"]["name"]
    stated = [*project["project"]["dependencies"], *project["build-system"]["requires"], *extras]
    stated += [entry for entries in project.get("dependency-groups", {}).values() for entry in entries]
    texts = {
        "pyproject.toml": [entry for entry in stated if Requirement(entry).name != own],
        "requirements.txt": metadata(package).get_all("Requires-Dist", []),
        "requirements-dev.txt": [
            line.partition("  #")[0] for line in PLANTED["requirements-dev.txt"].splitlines() if line[0] not in "-#"
        ],
    }
    counted = {path: Counter(map(firmness, entries)) for path, entries in texts.items()}
    counted["web/package.json"] = Counter(
        {"exact": 1, "range": 2, "least only": 1, "any version": 2, "from an address": 1}
    )
    kinds = ("exact", "range", "least only", "any version", "from an address")
    table = figures(result[2].output, "file | exact")
    for path, counts in counted.items():
        assert table[path] == [str(counts[kind]) for kind in kinds], path
    figure = key_figures(result.answer)
    assert figure["dependencies"] == str(sum(counts.total() for counts in counted.values()))
    loose = sum(counts["any version"] + counts["from an address"] for counts in counted.values())
    assert figure["without any bound"] == str(loose)
    assert "requirements-dev.txt:7 takes `five` at any version." in told(result, 2, "Risk")
    assert "requirements-dev.txt:10 takes `eight` from an address." in told(result, 2, "Risk")
    assert told(result, 2, "Holds") == ["versions are locked in `uv.lock`."]


def test_infrastructure_is_what_was_planted(ops: Played) -> None:
    """Each fault at its line, and no other: none in what is firm, in comments, or behind a variable."""
    result, folder, _ = ops
    assert {tuple(fault[:3]) for fault in looked("ops_infrastructure", folder)["faults"]} <= FAULTS
    assert key_figures(result.answer)["risks in them"] == str(len(FAULTS))
    by_kind = figures(result[3].output, "risk | places")
    assert by_kind == {kind: [str(size)] for kind, size in Counter(kind for *_, kind in FAULTS).items()}
    assert "2 image files (`Dockerfile`, `firm/Dockerfile.prod`), 1 compose files (`compose.yml`)" in result.answer
    assert "Dockerfile:2 a secret's value in the image: `API_TOKEN`." in told(result, 3, "Risk")


def ruff(folder: Path, *codes: str) -> int:
    """How often ruff finds something in files that are no tests."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    command += ["--config=lint.flake8-bandit.check-typed-exception=true", "--output-format=json"]
    out = subprocess.run(
        [*command, f"--select={','.join(codes)}", str(folder)], capture_output=True, text=True, check=True
    ).stdout
    return sum(not is_test(Path(row["filename"]).relative_to(folder).as_posix()) for row in json.loads(out))


def is_test(path: str) -> bool:
    """Whether a path is one of tests."""
    return bool({"test", "tests"} & set(path.split("/")[:-1])) or bool(
        re.search(r"(^|/)(test_[^/]*|[^/]*_test\.py)$", path)
    )


def test_signals_are_those_of_ruff_and_the_text(ops: Played) -> None:
    """Dropped errors and prints by ruff, waits by the text of each call, logs by grep; the planted ones by line."""
    result, folder, _ = ops
    figure = key_figures(result.answer)
    texts = {path: text for path, text in python_files(folder).items() if not is_test(path)}
    # Beside ruff's: one that drops with dots instead of pass.
    assert figure["errors dropped"] == str(ruff(folder, "S110") + 1)
    assert f" {ruff(folder, 'T201')} print calls in " in result.answer
    logs = re.compile(r"\b_?(?:log|logger|logging)\.(?:debug|info|warning|warn|error|exception|critical|log)\(")
    assert figure["modules that log"] == str(sum(bool(logs.search(text)) for text in texts.values()))
    endless = 0
    for path, text in texts.items():
        if not path.startswith("planted"):
            for call in re.finditer(r"(?<![\w.])(?:subprocess\.)?(?:run|call|check_call|check_output)\(", text):
                imported = re.search(rf"from subprocess import [^\n]*\b{call[0][:-1]}\b", text)
                endless += ("subprocess." in call[0] or bool(imported)) and "timeout" not in balanced(text, call.end())
    assert figure["waits without an end"] == str(endless + 4)
    every = looked("ops_signals", folder / "planted")
    lines = PLANTED["planted/service.py"].splitlines()
    assert [(lines[line - 1].strip().partition("(")[0], name) for _, line, name in every["endless"]] == [
        ("sp.run", "subprocess.run"), ("urlopen", "urllib.request.urlopen"), ("requests.get", "requests.get"),
        ("socket.create_connection", "socket.create_connection"),
    ]  # fmt: skip
    assert [(lines[line - 1].strip(), said) for _, line, said in every["dropped"]] == [
        ("except ValueError:", "ValueError"), ("except (KeyError, OSError):", "(KeyError, OSError)"),
    ]  # fmt: skip
    assert [lines[line - 1].strip() for _, line, _ in every["alive"]] == ['app.route("/healthz")']
    assert "it reports through " in result.answer.lower() and "`sentry_sdk` in 1 file" in result.answer


def balanced(text: str, start: int) -> str:
    """What stands between a bracket that was just opened and its end."""
    depth, at = 1, start
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at]


def test_gates_are_those_of_grep_and_as_planted(ops: Played) -> None:
    """Deletions in the real files by grep; each planted command by its kind and line, and no harmless neighbour."""
    result, folder, _ = ops
    every = {kind: int(row[0]) for kind, row in figures(result[5].output, "kind | places").items()}
    found = subprocess.run(
        ["grep", "-rnE", r"rm (-[a-z]+ )*-[a-zA-Z]*[rR]|rmtree\(", "--include=*.sh", "--include=*.py",
         "--include=Makefile", "--include=run", "."], cwd=folder, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    real = [
        line for line in found
        if not is_test(line.split(":")[0]) and not line.split(":", 2)[2].lstrip().startswith(("#", "def ", "from "))
    ]  # fmt: skip
    planted = Counter(kind for *_, kind in GATES)
    assert every["deletes files"] == len(real)
    assert {kind: size for kind, size in every.items() if size and kind != "deletes files"} == {
        kind: size for kind, size in planted.items() if kind != "deletes files"
    }
    assert key_figures(result.answer)["commands that need a yes"] == str(len(real) + planted.total() - 1)
    named = re.findall(r"^- Gate: (\S+?):(\d+) ([^:]+): ", result[5].output, re.MULTILINE)
    assert {(path, int(line), kind) for path, line, kind in named} >= {
        gate for gate in GATES if gate[2] != "deletes files"
    }


def test_where_there_is_nothing_it_says_so(tmp_path: Path) -> None:
    """No pipeline, no dependency, no image and no Python: each is said, and no risk is made up."""
    folder = written(tmp_path / "checkout", {"main.go": "package main\n"})
    with played("Check our deployment.", folder, tmp_path / "home") as result:
        assert "- 0 pipeline files: none of GitHub, GitLab" in result.answer
        assert "- A pipeline; nothing checks a change by itself.\n" in result.answer
        assert "- 0 dependencies declared: " in result.answer
        assert "- 0 infrastructure files: " in result.answer
        assert "- No Python was found here outside tests" in result.answer
        assert "## Risks\n\n- None that these rules can see.\n" in result.answer
        assert "- No command that cannot be taken back was found; " in result.answer


def test_each_look_gives_the_same_figures_again(tmp_path: Path) -> None:
    """Nothing hangs on the order of sets: another hash seed, the same figures."""
    folder = copied("ipykernel", tmp_path, PLANTED)
    for recipe in ("ops_pipelines", "ops_pins", "ops_infrastructure", "ops_signals", "ops_gates"):
        assert looked(recipe, folder, 1) == looked(recipe, folder, 2)


def test_nothing_irreversible_without_a_question() -> None:
    """Each pattern that acts has a gate before every task that acts, drawn in the body; the survey only looks."""
    guide = read_guide("devops")
    acts = {
        "readiness survey": set(), "pipeline": {"enforce"}, "deployment": {"first", "all"}, "infrastructure": {"apply"},
        "monitoring": {"drill"}, "incident": {"act"},
    }  # fmt: skip
    for pattern in guide.front["patterns"]:
        gated = {task["key"]: task["gate"] for task in pattern["tasks"] if "gate" in task}
        assert set(gated) == acts[pattern["name"]]
        assert all(question.endswith("?") for question in gated.values())
        assert all(task.get("blocked_by") for task in pattern["tasks"] if "gate" in task)
        drawn = guide.body.partition(f"\n**{pattern['name']}**")[2].partition("\n**")[0]
        assert drawn.count("⟨yes?⟩") == len(gated)
    assert "launch it only after the answer" in guide.body


@pytest.mark.parametrize(
    "goal",
    [
        "Set up a CI pipeline for this project.",
        "Deploy version 2 to staging.",
        "Write the Terraform for our infrastructure.",
        "We have an outage, what changed?",
        "Which alerts do we need, and is our monitoring any good?",
    ],
)
def test_the_guide_is_chosen_for_its_kind_of_goal(goal: str) -> None:
    """Among all guides the devops guide is the one that these goals name."""
    assert chosen(goal) == "devops"
