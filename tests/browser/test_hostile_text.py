"""A run full of hostile text in a real JupyterLab: on the board, in its copy, and in the notebook reopened."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook, board_of
from tests.corpus.rows import expand, rows
from tests.corpus.sink import Sink
from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, MessagesServer, text, tools

pytestmark = pytest.mark.browser

CONDUCT, AFTER = 1, 2


def hostile(sink: Sink) -> str:
    """The texts of the corpus's rows about tool output, one below the other."""
    names = {"SINK": sink.url, "SINKHOST": sink.host, "SINKPORT": str(sink.port), "CANARY": "CANARY-OUT"}
    public = [row for row in rows("html") if row["id"].startswith("P-") and isinstance(row["input"]["text"], str)]
    return "\n".join(expand(row["input"]["text"], names) for row in public)


def test_a_run_full_of_hostile_text(open_notebook: OpenNotebook) -> None:
    """Tool output, subject, report and answer are only ever text: no script runs, and nothing is asked for."""
    with Sink() as sink:
        bad = hostile(sink)

        def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
            if turn == 1:
                return tools(("Bash", {"command": f"cat <<'ENDS-HERE'\n{bad}\nENDS-HERE"}))
            return text(f"{bad}\nSTATUS: done")

        laid_out = tools(create("a", subject=bad.splitlines()[0] + "<b>subject"), launch("a"))
        with MessagesServer(Floor([laid_out, text("Under way."), text(bad)], worker)) as server:
            setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {server.url!r}\n%load_ext conductor_magic"
            notebook = open_notebook([setup, f"%%conduct out\n{bad.replace('{', '{{').replace('}', '}}')}", "out"])
            asked: list[str] = []
            notebook.page.on("request", lambda request: asked.append(request.url))
            notebook.run(0)
            notebook.run(CONDUCT)
            notebook.run(AFTER)
            board = board_of(notebook, CONDUCT)
            expect(board).to_contain_text("Closed")
            notebook.press(board.get_by_role("row").filter(has_text="<b>subject"))
            inspector = board.get_by_role("region", name="Task 1")
            for tab in ("Prompt", "Transcript", "Output"):
                notebook.press(inspector.get_by_role("tab", name=tab))
            expect(inspector).to_contain_text("<img src=x onerror=window.__pwned=1>")
            expect(notebook.cell(AFTER)).to_contain_text("</pre></div></details><h1>All tasks passed</h1>")
            assert harmless(notebook.page, asked, sink)
            notebook.save()
            notebook.reload()
            expect(notebook.cell(AFTER)).to_contain_text("<script>window.__pwned=1</script>")
            assert harmless(notebook.page, asked, sink)
            assert "pwned" in json.dumps(notebook.outputs(AFTER))
            assert notebook.page_errors == []


def harmless(page: Any, asked: list[str], sink: Sink) -> bool:
    """Whether no text has become more than text so far."""
    found = page.evaluate(
        """() => ({
          pwned: window.__pwned !== undefined,
          linkers: document.querySelectorAll("[data-commandlinker-command]").length,
          made: document.querySelectorAll(".jp-OutputArea-output :is(script, iframe, h1, meta, img[src='x'])").length,
        })"""
    )
    reached = [url for url in asked if sink.url in url] + sink.hits
    assert (found, reached) == ({"pwned": False, "linkers": 0, "made": 0}, [])
    return True
