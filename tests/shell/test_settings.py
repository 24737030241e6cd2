"""Options and their checks, the data folder, run ids and how runs are found again."""

from __future__ import annotations

import math
import os
from decimal import Decimal
from pathlib import Path

import pytest

from conductor_magic.errors import ConductUsageError
from conductor_magic.option_checks import check_option, check_options
from conductor_magic.settings import Options, data_folder, find_run, new_run_id, run_folders, runs_folder


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is an empty workspace; the data folder and the home lie beside it."""
    folders = {name: tmp_path / name for name in ("workspace", "data", "home")}
    for folder in folders.values():
        folder.mkdir()
    monkeypatch.setenv("CONDUCTOR_HOME", str(folders["data"]))
    monkeypatch.setenv("HOME", str(folders["home"]))
    monkeypatch.chdir(folders["workspace"])
    return folders["workspace"]


def test_defaults(workspace: Path) -> None:
    """Nothing given is the contract's defaults, in the current folder."""
    assert check_options({}) == Options(
        workers=8, mode="workspace", budget=5.0, timeout=None, provider="auto", workspace=workspace.resolve()
    )


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("workers", 1, 1),
        ("workers", "256", 256),
        ("budget", "0.5", 0.5),
        ("budget", "none", None),
        ("budget", "None", None),
        ("budget", None, None),
        ("budget", 3, 3.0),
        ("budget", Decimal("2.5"), 2.5),
        ("budget", "1e2", 100.0),
        ("timeout", ".5", 0.5),
        ("window", "20000", 20_000),
        ("timeout", None, None),
        ("mode", "read-only", "read-only"),
        ("mode", "plan", "plan"),
        ("mode", "full", "full"),
        ("provider", "rehearsal", "rehearsal"),
        ("use", "a, b,a", ("a", "b")),
        ("use", ["a,b", "c"], ("a", "b", "c")),
        ("use", (), ()),
        ("tiers", {"opus": "some-model"}, {"opus": "some-model"}),
        ("tiers", ["opus=some-model", "conductor=x=y"], {"opus": "some-model", "conductor": "x=y"}),
        ("tiers", "haiku=small", {"haiku": "small"}),
        ("cap", {"worker.usd": 0.1, "run.calls": 300}, {"worker.usd": 0.1, "run.calls": 300.0}),
        ("cap", ["opus.tokens=5e5", "haiku.seconds=1.5"], {"opus.tokens": 500_000.0, "haiku.seconds": 1.5}),
        ("cap", "worker.turns=none", {"worker.turns": None}),
        ("cap", ["run.calls=3", "run.calls=3"], {"run.calls": 3.0}),
        ("guide", "data-analysis", "data-analysis"),
        ("guide", None, None),
        ("strategy", "speed", "speed"),
        ("quiet", True, True),
    ],
)
def test_kept(name: str, value: object, kept: object) -> None:
    """A good value is kept in the form that `Options` has, from the line's text and from Python alike."""
    assert check_option(name, value) == kept
    assert getattr(check_options({name: value}), name) == kept


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("workers", 0, "from 1 to 256, not 0"),
        ("workers", "257", "not '257'"),
        ("workers", True, "not True"),
        ("workers", 2.0, "not 2.0"),
        ("workers", "2.0", "not '2.0'"),
        ("workers", "٣", "whole number"),
        ("workers", "1_0", "whole number"),
        ("workers", "9" * 5_000, "whole number"),
        ("workers", None, "not None"),
        ("budget", "$5", "without the currency: 5"),
        ("budget", "5 USD", "without the currency: 5"),
        ("budget", 0, "above 0"),
        ("budget", -1, "above 0"),
        ("budget", "nan", "above 0"),
        ("budget", math.inf, "not inf"),
        ("budget", "1e999", "above 0"),
        ("budget", "1,5", "above 0"),
        ("budget", 10**400, "above 0"),
        ("budget", [5], "not [5]"),
        ("timeout", "10m", "number of seconds"),
        ("window", 9_999, "from 10000 to"),
        ("window", "200k", "whole number of tokens"),
        ("window", 20_000.5, "whole number of tokens"),
        ("timeout", math.nan, "number of seconds"),
        ("timeout", 1e12, "at most 31622400"),
        ("mode", "planned", "plan, read-only, ask, workspace or full, not 'planned'"),
        ("mode", "readonly", "Did you mean read-only?"),
        ("mode", "FULL", "Did you mean full?"),
        ("mode", 3, "not 3"),
        ("provider", "bedrock", "auto, anthropic or rehearsal"),
        ("provider", "rehersal", "Did you mean rehearsal?"),
        ("guide", "data-analisys", "Did you mean data-analysis?"),
        ("strategy", "fast", "strategy must be balanced, speed or cost, not 'fast'"),
        ("guide", "../secrets", "guide must be one of"),
        ("tiers", {"gpt": "x"}, "haiku, sonnet, opus or conductor, not 'gpt'"),
        ("tiers", ["opsu=x"], "Did you mean opus?"),
        ("tiers", ["opus"], "TIER=MODEL"),
        ("tiers", ["opus="], "a model id, not ''"),
        ("tiers", ["opus=a b"], "a model id"),
        ("tiers", ["opus=a", "opus=b"], "two models"),
        ("tiers", 5, "TIER=MODEL"),
        ("cap", "worker.usd", "SCOPE.UNIT=N, as in worker.usd=0.10, not 'worker.usd'"),
        ("cap", 5, "SCOPE.UNIT=N"),
        ("cap", "wroker.usd=1", "Did you mean worker?"),
        ("cap", "conductor.usd=1", "run, worker, haiku, sonnet or opus, not 'conductor'"),
        ("cap", "worker.dollars=1", "usd, tokens, turns, calls or seconds, not 'dollars'"),
        ("cap", {3: 1}, "the scope of a cap must be"),
        ("cap", "worker.usd=0", "worker.usd must be a number above 0, or none"),
        ("cap", "worker.turns=2.5", "worker.turns must be a whole number above 0"),
        ("cap", "opus.seconds=1e12", "at most 31622400 seconds"),
        ("cap", "run.usd=2", "run.usd is what --budget sets: use that."),
        ("cap", {"run.seconds": 2}, "run.seconds is what --timeout sets: use that."),
        ("cap", ["run.calls=3", "run.calls=4"], "run.calls was given twice"),
        ("use", "a.b", "Put the value in a variable first"),
        ("use", "a,,b", "not ''"),
        ("use", [1], "not 1"),
        ("use", 1, "names of variables"),
        ("quiet", "yes", "True or False"),
        ("answers", "", "not ''"),
        ("workspace", "missing", "does not exist"),
        ("workspace", "file.txt", "is a file"),
        ("workspace", "a\0b", "an existing folder"),
        ("workspace", "/", "the whole file system"),
        ("workspace", "~", "is your home folder"),
        ("workspace", "..", "where runs are recorded"),
        ("workspace", "../data", "where runs are recorded"),
        ("workspace", "../data/runs/r1", "lies where runs are recorded"),
        ("workspace", "link", "the whole file system"),
        ("workspace", 5, "an existing folder"),
        ("wrokers", 3, "Did you mean workers?"),
        ("pool", "local", "There is no option 'pool'"),
    ],
)
def test_refused(name: str, value: object, said: str, workspace: Path) -> None:
    """A bad value is refused on one line that says what was given and what is allowed."""
    (workspace / "file.txt").touch()
    (workspace / "link").symlink_to("/")
    (runs_folder() / "r1").mkdir(parents=True)
    with pytest.raises(ConductUsageError) as error:
        check_options({name: value})
    message = str(error.value)
    assert said in message
    assert message.isprintable()
    assert len(message) < 400


def test_workspace_must_be_asked_for_where_the_kernel_is_too_high(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that sits in the home folder, or at the root, asks for a workspace by name."""
    for place in (os.environ["HOME"], "/"):
        monkeypatch.chdir(place)
        with pytest.raises(ConductUsageError, match="--workspace DIR"):
            check_options({})


def test_workspace_is_resolved(workspace: Path, tmp_path: Path) -> None:
    """Links are resolved once, when the run begins."""
    (tmp_path / "real").mkdir()
    (workspace / "alias").symlink_to(tmp_path / "real")
    assert check_options({"workspace": "alias"}).workspace == (tmp_path / "real").resolve()


def test_a_value_whose_repr_raises_is_refused_too() -> None:
    """The message does not depend on what a stranger's object says of itself."""

    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(ConductUsageError, match="a Silent"):
        check_options({"workers": Silent()})


def test_tier_is_tiers() -> None:
    """`conduct(tier=…)` is the line's word for it; both at once is a mistake."""
    assert check_options({"tier": {"opus": "x"}}).tiers == {"opus": "x"}
    with pytest.raises(ConductUsageError, match="not both"):
        check_options({"tier": {}, "tiers": {}})


def test_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`$CONDUCTOR_HOME`, else beside Jupyter's data; absolute even when it is not."""
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("CONDUCTOR_HOME", "relative")
    assert data_folder() == Path.cwd() / "relative"
    monkeypatch.delenv("CONDUCTOR_HOME")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    assert data_folder() == tmp_path / "jupyter" / "conductor"


def test_run_ids_sort_by_time() -> None:
    """Ids of later moments come later, within one second too, and two of one moment differ."""
    moments = [1_795_428_900 + step / 1_000 for step in range(0, 3_000, 7)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert new_run_id(1_795_428_900.0).startswith("20261123-101500-000")


def record(name: str) -> Path:
    """A run's folder, as far as finding it needs one."""
    folder = runs_folder() / name
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").touch()
    return folder


def test_find_run(workspace: Path) -> None:
    """By id, by a beginning that is unique, by path of folder or journal, and the last one."""
    first, second = record("20261123-101500-aaaaaa"), record("20261124-101500-bbbbbb")
    (runs_folder() / "20261125-no-journal").mkdir()
    assert run_folders() == [first, second]
    assert find_run("20261123-101500-aaaaaa") == first
    assert find_run(" 20261124 ") == second
    assert find_run("last") == second
    assert find_run(str(first)) == first
    assert find_run(str(first / "journal.jsonl")) == first
    assert find_run(os.path.relpath(first, workspace)) == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026112", "2 runs begin with '2026112'"),
        ("20261123-101500-aaaaab", "Did you mean 20261123-101500-aaaaaa?"),
        ("nonsense", "Latest: 20261124-101500-bbbbbb, 20261123-101500-aaaaaa"),
        ("", "There is no run ''"),
        ("..", "There is no run"),
        ("~nobody-here/x", "There is no run"),
        ("a\0b", "There is no run"),
        ("x" * 10_000, "There is no run"),
    ],
)
def test_runs_that_are_not_there(text: str, said: str) -> None:
    """What cannot be found is told on one line, with the nearest or the latest."""
    record("20261123-101500-aaaaaa")
    record("20261124-101500-bbbbbb")
    with pytest.raises(ConductUsageError) as error:
        find_run(text)
    assert said in str(error.value)
    assert str(error.value).isprintable()


def test_no_run_yet() -> None:
    """Where nothing was recorded, `last` says so and where it looked."""
    with pytest.raises(ConductUsageError, match=r"none has been recorded in .*data/runs yet"):
        find_run("last")
