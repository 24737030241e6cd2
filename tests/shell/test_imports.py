"""What a worker leaves in the folder that a notebook imports from: not imported on our account, and told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conductor_magic.events import RunNoted
from tests.shell.conftest import Play
from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import kernel, started
from tests.support.messages_server import MessagesServer, text, tools

EVIL = "open('imported', 'a').write(__name__ + chr(10)); raise ImportError('not this one')"
PLANTED = ("pyarrow", "pandas", "numpy", "anthropic", "httpx2", "html_to_markdown", "cloudpickle", "idna", "polars")
PUBLISH = "import pandas, numpy; publish('t', pandas.DataFrame({'a': [1]})); publish('n', numpy.zeros(3))"


def played(*turns: tuple[str, dict[str, str]]) -> Floor:
    """One worker that takes these turns."""

    def work(task: str, turn: int, body: object) -> object:
        return tools(turns[turn - 1]) if turn <= len(turns) else done(task, turn, body)  # type: ignore[arg-type]

    return Floor([lay_out({"a": ()}), text("Under way."), text("Done.")], work)  # type: ignore[arg-type]


def test_nothing_that_a_worker_made_is_imported_in_the_notebook(tmp_path: Path) -> None:
    """Not while the run goes on, nor when its artifacts are loaded; the person's own imports stay as they were."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    plant = f"for m in {' '.join(PLANTED)}; do printf '%s\\n' \"{EVIL}\" > $m.py; done; echo 'X = 1' > mine.py"
    floor = played(("Bash", {"command": plant}), ("Python", {"code": PUBLISH}))
    with MessagesServer(floor) as server:
        env = {"CONDUCTOR_HOME": str(tmp_path / "data"), "ANTHROPIC_API_KEY": "placeholder"}
        with started(kernel(env={**env, "ANTHROPIC_BASE_URL": server.url})) as session:
            assert "''" in session.run(f"import os, sys; os.chdir({str(workspace)!r}); print(sys.path)")
            session.run("%load_ext conductor_magic")
            session.run("%%conduct r -q --budget none\nDo it.", seconds=60)
            loaded = session.run("print(r.status, len(r.artifacts['t'].value), r.artifacts['n'].value.sum())")
            assert loaded.split() == ["completed", "1", "0.0"]
            assert not (workspace / "imported").exists()
            assert session.run("import mine; print(mine.X)").strip() == "1"
            assert "made" in session.run("print(*r.notes)") and "`import pandas`" in session.run("print(*r.notes)")


OURS = "import conductor_magic.wording as ours; exec('def load():\\n    import planted', ours.__dict__); ours.load()"
THREAD = (
    "import threading; t = threading.Thread(target=__import__, args=['planted'], name='conductor-x'); "
    "t.start(); t.join()"
)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import planted", "mine"),
        ("from conductor_magic.testing import web_stub; import planted", "mine"),
        (OURS, ""),
        (THREAD, ""),
    ],
)
def test_who_imports_decides(tmp_path: Path, code: str, found: str) -> None:
    """What the person imports comes from where it always came from, whatever of ours is loaded."""
    (tmp_path / "planted.py").write_text("print('mine')")
    program = f"import sys; sys.path.insert(0, ''); import conductor_magic\n{code}"
    command = [sys.executable, "-P", "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == found
    assert ("No module named 'planted'" in ended.stderr) == (not found)


@pytest.mark.parametrize(("path", "told"), [
    ("pandas.py", True), ("json/__init__.py", True),
    ("analysis.py", False), ("src/pandas.py", False), ("pandas.md", False),
])  # fmt: skip
def test_a_file_in_the_place_of_an_installed_module_is_told(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, told: bool
) -> None:
    """Only in the folder that the notebook imports from, and only under the name of something that is installed."""
    workspace = tmp_path / "workspace"
    workspace.mkdir(exist_ok=True)
    monkeypatch.chdir(workspace)
    monkeypatch.syspath_prepend("")
    result = play(played(("Write", {"file_path": path, "content": "x = 1\n"})))
    notes = [record.event.text for record in result.events if isinstance(record.event, RunNoted)]
    assert any("for the installed module" in note for note in notes) == told
    assert (workspace / path).exists()
