"""A disk that is full in the middle of a cell: the person is told in one line and on the board, and goes on later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.floor import Floor, done, lay_out
from tests.support.kernels import kernel, started
from tests.support.messages_server import MessagesServer, text

SETUP = """
import os
os.chdir({workspace!r})
%load_ext conductor_magic
from tests.support.bad_disk import bad_disk
"""


def test_a_cell_on_a_full_disk_says_what_happened_and_is_resumed(tmp_path: Path) -> None:
    """One line below the cell, the same as a warning on the board; with room again it is resumed."""
    (tmp_path / "workspace").mkdir()
    plan = [lay_out({"a": ()}), text("Under way."), text("The answer."), text("The answer.")]
    with MessagesServer(Floor(plan, done)) as server:
        spec = kernel(env={"CONDUCTOR_HOME": str(tmp_path / "home"), "ANTHROPIC_BASE_URL": server.url})
        with started(spec) as session:
            session.run(SETUP.format(workspace=str(tmp_path / "workspace")))
            cell = "get_ipython().run_cell_magic('conduct', 'out', 'Go on.')"
            request = session.client.execute(f"with bad_disk() as disk:\n    disk.fail('full', 25)\n    {cell}")
            session.until_idle(request, 60)
            answers: list[dict[str, Any]] = [
                message for message in session.seen if message["parent_header"].get("msg_id") == request
            ]
            [line] = [m["content"] for m in answers if m["msg_type"] == "stream"]
            assert line["name"] == "stderr"
            run = session.run("print(out.id)").strip()
            assert line["text"] == (
                f"Run {run} was stopped, because its record could not be written: {tmp_path}/home/runs/{run} "
                "(No space left on device). All until then is kept. Make room there, "
                f"then go on: %conduct resume {run}\n"
            )
            assert not [m for m in answers if m["msg_type"] == "error"]
            drawn = [
                m["content"]["data"].get("text/html", "") for m in answers if m["msg_type"] == "update_display_data"
            ]
            assert "Interrupted" in drawn[-1] and "Make room there" in drawn[-1]
            sent = [m["content"]["data"]["state"]["snap"] for m in answers if "snap" in str(m["content"].get("data"))]
            board = json.loads(json.dumps(sent[-1]))["snapshot"]["run"]
            assert (board["status"], board["reason"]) == ("interrupted", line["text"].strip())
            assert session.run("print(out.status)") == "interrupted\n"
            session.run("%conduct resume last out", seconds=60)
            assert session.run("print(out.status, out.answer)") == "completed The answer.\n"
