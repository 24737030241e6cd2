"""A run full of hostile text in a real JupyterLab: on the board, in its past, in its copy, reopened and exported.

Each text is a task's subject, and all of them are the goal, a tool's output, a report and the answer.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, expect

from conductor_magic.report.words import clean
from tests.browser.conftest import Lab, OpenNotebook, board_of
from tests.corpus.rows import payloads
from tests.corpus.sink import Sink
from tests.support.floor import Floor, create, launch
from tests.support.messages_server import Answer, MessagesServer, text, tools

# At every change the corpus plays the same texts on a plain page.
pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONDUCT, AFTER = 1, 2
COPY = "[data-conduct-fallback]"


def hostile(sink: Sink) -> list[str]:
    """The corpus's texts; the longest is shortened, as one of many."""
    names = {"SINK": sink.url, "SINKHOST": sink.host, "SINKPORT": str(sink.port), "CANARY": "CANARY-OUT"}
    return [text[:400] for text in payloads(names)]


def test_a_run_full_of_hostile_text(open_notebook: OpenNotebook, lab: Lab, browser: Browser, tmp_path: Path) -> None:
    """They are only ever text: no script runs, and nothing is asked for."""
    with Sink() as sink:
        texts = hostile(sink)
        assert len(texts) >= 60
        bad = "\n".join(texts)

        def worker(task: str, turn: int, body: dict[str, Any]) -> Answer:
            if turn == 1:
                return tools(("Bash", {"command": f"cat <<'ENDS-HERE'\n{bad}\nENDS-HERE"}))
            return text(f"{bad}\nSTATUS: done")

        # One is launched; the others are only there, and are skipped in the end.
        plan = [create("a", subject="<b>subject"), launch("a")]
        plan += [create(f"t{number}", subject=one or "-") for number, one in enumerate(texts)]
        answers = [tools(*plan), text("Under way."), *(text(bad) for _ in range(3))]
        with MessagesServer(Floor(answers, worker)) as server:
            setup = f"import os\nos.environ['ANTHROPIC_BASE_URL'] = {server.url!r}\n%load_ext conductor_magic"
            notebook = open_notebook([setup, f"%%conduct out\n{bad.replace('{', '{{').replace('}', '}}')}", "out"])
            asked: list[str] = []
            notebook.page.on("request", lambda request: asked.append(request.url))
            notebook.run(0)
            notebook.run(CONDUCT)
            notebook.run(AFTER)
            board = board_of(notebook, CONDUCT)
            expect(board.locator(".pill")).to_contain_text("Closed")
            notebook.press(board.get_by_role("row").filter(has_text="<b>subject"))
            inspector = board.get_by_role("region", name="Task 1")
            for tab in ("Prompt", "Transcript", "Output"):
                notebook.press(inspector.get_by_role("tab", name=tab))
            expect(inspector).to_contain_text("<img src=x onerror=window.__pwned=1>")
            expect(notebook.cell(AFTER)).to_contain_text("</pre></div></details><h1>All tasks passed</h1>")
            assert harmless(notebook.page, asked, sink)
            notebook.press(board.get_by_role("button", name="One event back"))
            expect(board.locator(".pill")).to_contain_text("Replay")
            expect(inspector).to_contain_text("<img src=x onerror=window.__pwned=1>")
            assert harmless(notebook.page, asked, sink)
            notebook.save()
            notebook.reload()
            expect(notebook.cell(AFTER)).to_contain_text("<script>window.__pwned=1</script>")
            expect(notebook.cell(CONDUCT).locator(".pill")).to_contain_text("Closed", timeout=20_000)
            assert harmless(notebook.page, asked, sink)
            assert "pwned" in json.dumps(notebook.outputs(AFTER))
            notebook.end_kernel()
            notebook.reload()
            copy = notebook.cell(CONDUCT).locator(COPY)
            expect(copy).to_be_visible(timeout=20_000)
            assert unread(copy.text_content() or "", texts) == []
            unfold(notebook.page)
            assert harmless(notebook.page, asked, sink)
            assert notebook.page_errors == []

        [path] = lab.root.glob(notebook.name)
        exported = tmp_path / "exported.html"
        exported.write_text(HTMLExporter().from_notebook_node(nbformat.read(path, as_version=4))[0], "utf-8")
        look_at(browser, exported, texts, sink)


def look_at(browser: Browser, exported: Path, texts: list[str], sink: Sink) -> None:
    """Open nbconvert's page: all texts can be read, and it asks the sink for nothing."""
    asked: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        # What nbconvert's own page loads is not ours, and is not there in a test.
        page.route(lambda url: not url.startswith(("file:", sink.url)), lambda route: route.abort())
        page.goto(exported.as_uri())
        assert unread(page.locator(COPY).first.text_content() or "", texts) == []
        unfold(page)
        assert harmless(page, asked, sink)


def unread(shown: str, texts: list[str]) -> list[str]:
    """The texts that cannot be read in what is shown."""
    return [text for text in texts if letters(text) not in letters(shown)]


def letters(text: str) -> str:
    """What of a text is seen whatever is done to its blanks, its codes and the signs of Markdown."""
    return re.sub(r"[\W_]+", "", clean(text))


def unfold(page: Page) -> None:
    """Open everything that folds."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true })")


def harmless(page: Any, asked: list[str], sink: Sink) -> bool:
    """Whether no text has become more than text so far."""
    found = page.evaluate(
        """() => ({
          pwned: window.__pwned !== undefined,
          linkers: document.querySelectorAll("[data-commandlinker-command]").length,
          made: document.querySelectorAll(
            ":is(.jp-OutputArea-output, [data-conduct-fallback]) :is(script, iframe, h1, meta, img[src='x'])").length,
        })"""
    )
    reached = [url for url in asked if sink.url in url] + sink.hits
    assert (found, reached) == ({"pwned": False, "linkers": 0, "made": 0}, [])
    return True
