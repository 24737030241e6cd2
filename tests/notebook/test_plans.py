"""`--mode plan`, then `%conduct go`, in a notebook: without a key, and against a scripted server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.floor import Floor, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import MessagesServer, text

SHAPE = "[(t.id, t.subject, t.tier, t.reason, t.blocked_by) for t in {}]"
STATUSES = "sorted({{t.status for t in {}}})"


def setup(session: Session, workspace: Path) -> None:
    """The extension, in the workspace."""
    session.run(f"import os\nos.chdir({str(workspace)!r})\n%load_ext conductor_magic")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """An empty folder."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def test_without_a_key(tmp_path: Path, workspace: Path) -> None:
    """The stand-in plans and says that nothing was looked at; what go runs is that plan, on the real variable."""
    nothing = dict.fromkeys(("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"), "")
    with started(kernel(env={**nothing, "CONDUCTOR_HOME": str(tmp_path / "home")})) as session:
        setup(session, workspace)
        assert "There is no plan yet: %%conduct --mode plan makes one." in session.run("%conduct go out")
        session.run("text = 'Eleven birds.'")
        session.run("%%conduct plan --mode plan --use text\nWhat is there?", seconds=60)
        assert session.run("print(plan.status, plan.provider, len(plan.timeline), len(plan.artifacts))").split() == [
            "planned", "rehearsal", "0", "0",
        ]  # fmt: skip
        forecast = session.run("print(plan.forecast.usd, plan.forecast.seconds > 0, plan.forecast.critical_path)")
        assert forecast.startswith("0.0 True ('1',")
        assert "nothing was looked at yet" in session.run("print(plan.answer)")
        assert session.run(f"print({STATUSES.format('plan')})").strip() == "['blocked', 'ready']"
        session.run("%conduct go out", seconds=120)
        assert session.run(f"print(out.status, {STATUSES.format('out')})").strip() == "completed ['completed']"
        assert (
            session.run(f"print(len(out) > 1, {SHAPE.format('out')} == {SHAPE.format('plan')})").strip() == "True True"
        )
        assert "of length 13" in session.run("print(out.answer)")
        listed = session.run("%conduct runs").splitlines()
        assert ["planned" in listed[1], "completed" in listed[2]] == [True, True]


def test_against_a_scripted_server(tmp_path: Path, workspace: Path) -> None:
    """No worker is asked before go, exactly the planned graph after it; a later kernel runs the same plan again."""
    graph = {"a": (), "b": ("a",), "c": ("a",)}
    floor = Floor([lay_out(graph), text("The plan."), text("Once."), text("Twice.")])
    with MessagesServer(floor) as server:
        spec = kernel(env={"CONDUCTOR_HOME": str(tmp_path / "home"), "ANTHROPIC_BASE_URL": server.url})
        with started(spec) as session:
            setup(session, workspace)
            session.run("%%conduct plan --mode plan --workers 2\nDo it.", seconds=60)
            assert floor.order == ["conductor"] * 2
            assert "give go a mode in which workers run" in session.run("%conduct go out --mode plan")
            assert "--provider stays as the run began with it" in session.run("%conduct go out --provider rehearsal")
            session.run("assert 'out' not in globals()")
            session.run("%conduct go out --budget 3", seconds=60)
            assert floor.order[2] == "worker a"
            assert sorted(floor.order[3:5]) == ["worker b", "worker c"]
            assert floor.order[5:] == ["conductor"]
            assert session.run("print(out.status, out.answer, plan.status)").strip() == "completed Once. planned"
        with started(spec) as session:
            setup(session, workspace)
            session.run("%conduct go again -q", seconds=60)
            assert session.run("print(again.status, again.answer, len(again))").strip() == "completed Twice. 3"
