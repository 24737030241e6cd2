"""Keys planted in the notebook's kernel: in no child's environment or command line, no file of ours, no prompt."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import Session, kernel, started
from tests.support.messages_server import Answer, MessagesServer, text, tools

PLANTED = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-PLANTED-anthropic-000000000000",
    "OPENAI_API_KEY": "planted-openai-111111111111",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+secret/222222222222",
    "DATABASE_URL": "postgres://user:planted-db-333333@db/prod",
    "JUPYTER_TOKEN": "planted-jupyter-4444444444",
    "HARMLESS_NAME": "planted-without-a-telling-name-5555",
}
EVERYWHERE = """
import glob, os
print(dict(os.environ))
for path in glob.glob('/proc/[0-9]*/environ'):
    try:
        print(open(path, 'rb').read())
    except OSError as error:
        print(path, error)
"""
LOOKS = [
    ("Bash", {"command": "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat /proc/*/cmdline; true"}),
    ("Python", {"code": EVERYWHERE}),
    ("Bash", {"command": "touch started; until [ -e go ]; do sleep 0.05; done"}),
]


def _descendants(pid: int) -> list[int]:
    """All processes below one, as they are now."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, open_ends = [], [pid]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found += below
        open_ends += below
    return found


def _hits(content: bytes) -> list[str]:
    return [name for name, value in PLANTED.items() if value.encode() in content]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run whose worker looks for keys everywhere it can, with the processes' environments taken in mid-run."""
    workspace, data = tmp_path_factory.mktemp("workspace"), tmp_path_factory.mktemp("data")

    def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
        return tools(LOOKS[turn - 1]) if turn <= len(LOOKS) else done(task, turn, body)

    floor = Floor([lay_out({"look": ()}), text("Under way."), text("Done.")], worker)
    with MessagesServer(floor) as server:
        env = {**PLANTED, "ANTHROPIC_BASE_URL": server.url, "CONDUCTOR_HOME": str(data)}
        with started(kernel(env=env)) as session:
            session.run(f"import os\nos.chdir({str(workspace)!r})\n%load_ext conductor_magic")
            goal = f"My key is {PLANTED['ANTHROPIC_API_KEY']}, and the database {PLANTED['DATABASE_URL']}."
            request = session.client.execute(f"%%conduct out\n{goal}")
            environments = _in_mid_run(session, workspace)
            session.until_idle(request, 60)
            saved = _saved(session, request)
    return {"floor": floor, "data": data, "environments": environments, "saved": saved, "workspace": workspace}


def _in_mid_run(session: Session, workspace: Path) -> list[bytes]:
    """Environment and command line of every process below the kernel, while a command of a worker runs."""
    end = time.monotonic() + 40
    while not (workspace / "started").exists():
        assert time.monotonic() < end, "the worker's last command did not start"
        time.sleep(0.02)
    provisioner: Any = session.manager.provisioner
    found: list[bytes] = []
    for pid in _descendants(provisioner.pid):
        for name in ("environ", "cmdline"):
            try:
                found.append((Path("/proc") / str(pid) / name).read_bytes())
            except OSError:
                continue
    (workspace / "go").touch()
    return found


def _saved(session: Session, request: str) -> bytes:
    """The notebook as a front end saves it: the cell with all its outputs."""
    outputs = [
        nbformat.v4.output_from_msg(message)
        for message in session.seen
        if message["parent_header"].get("msg_id") == request
        and message["msg_type"] in ("display_data", "execute_result", "stream", "error")
    ]
    assert outputs
    cell = nbformat.v4.new_code_cell("%%conduct out\n…", outputs=outputs)
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()


def test_no_process_of_the_run_carries_one(scene: dict[str, Any]) -> None:
    """Bubblewrap, the shells, the Python kernels: started with a short list of what is let in."""
    assert len(scene["environments"]) > 4
    assert [_hits(content) for content in scene["environments"] if _hits(content)] == []


def test_no_file_of_ours_holds_one(scene: dict[str, Any]) -> None:
    """The journal, the artifacts and all else in the data folder, and the workspace."""
    files = [path for folder in ("data", "workspace") for path in scene[folder].rglob("*") if path.is_file()]
    assert any(path.name == "journal.jsonl" for path in files)
    assert {str(path): _hits(path.read_bytes()) for path in files if _hits(path.read_bytes())} == {}


def test_no_prompt_and_no_result_holds_one(scene: dict[str, Any]) -> None:
    """What goes to the provider in a request's body: the goal, the workers' prompts, the tools' results."""
    bodies = [*scene["floor"].conductor_requests, *scene["floor"].worker_requests]
    assert len(bodies) >= 6
    found = [_hits(json.dumps(body, ensure_ascii=False).encode()) for body in bodies]
    assert found == [[]] * len(bodies)


def test_no_saved_notebook_holds_one(scene: dict[str, Any]) -> None:
    """The outputs below the cell, the board's static copy and the result's card among them."""
    assert _hits(scene["saved"]) == []
