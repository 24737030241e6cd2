"""Texts put where a run can show them, and the views that show them: static pictures, and the live board in a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.report.text import board_text
from conductor_magic.result import result_of
from conductor_magic.snapshot import snapshot
from tests.golden.script import START, Script
from tests.support.board_page import BoardPage

__all__ = ["PLACES", "Drawn", "LiveBoard", "StaticPage"]

Json = dict[str, Any]
TASK = "1"


def _begun(script: Script, **fields: Any) -> Script:
    return script.start(**fields)


def _tool_output(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1).at(14).result(TASK, text)


def _worker_report(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1).at(14).result(TASK, "ok").end(TASK, text)


def _error(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1).at(14).result(TASK, "no", is_error=True)
    script.end(TASK, outcome="failed", cause="status", error=text)


def _task_subject(script: Script, text: str) -> None:
    _begun(script).add(
        e.TaskCreated(task=TASK, subject=text, description=text, phase=text, tier="haiku", reason=text, blocked_by=()),
        e.TaskLaunched(task=TASK, prompt=text, tier="haiku"),
    )


def _file_name(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1)
    use, path = "toolu_file", f"/ws/{text}"
    script.add(
        e.WorkerTurn(
            worker="w1",
            request="r2",
            content=({"type": "tool_use", "id": use, "name": "Write", "input": {"file_path": path, "content": "x"}},),
            stop="tool_use",
        ),
        e.ToolStarted(call="c90", by="w1", name="Write", input={"file_path": path, "content": "x"}, use=use),
        e.FileChanged(path=path, task=TASK, worker="w1", action="created", before=None, after="0" * 64),
        e.ToolEnded(call="c90", by="w1", name="Write", content=f"{path}: created, 1 lines.", use=use, seconds=0.1),
        e.ArtifactSaved(
            name=text, task=TASK, worker="w1", mime="text/plain", path=path, size=1, sha256="0" * 64
        ),
    )  # fmt: skip


def _question(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1)
    options = [{"label": "No", "description": text}, {"label": f"Yes {text}", "description": "x"}]
    ask = {"question": text, "header": text[:12], "options": options, "multiSelect": False, "detail": text}
    script.add(e.QuestionAsked(question="q1", ask=(ask,), about="permission", by="w1", task=TASK, call="c1"))


def _scope_question(script: Script, text: str) -> None:
    _begun(script).plan()
    options = [{"label": text, "description": text}, {"label": "other", "description": "x"}]
    script.add(e.QuestionAsked(question="q1", ask=({"question": text, "header": "h", "options": options},)))


def _markdown_result(script: Script, text: str) -> None:
    _begun(script).plan().at(5).work(TASK, 1).at(14).result(TASK, "ok").end(TASK, text)
    script.at(60).add(e.ConductorSlept(text=text), e.RunEnded(status="partial", answer=text, reason="Tasks are left."))


def _goal(script: Script, text: str) -> None:
    _begun(script, goal=text, provider_note=text, isolation="none", isolation_note=text)
    script.add(e.RunNoted(text=text, level="warning"))


def _everywhere(script: Script, text: str) -> None:
    """As goal, subject, tool output, report and answer, and in artifacts, whose files `Drawn` writes."""
    _begun(script, goal=text).add(
        e.TaskCreated(task=TASK, subject=text, description=text, phase="Survey", tier="haiku", blocked_by=()),
        e.TaskLaunched(task=TASK, prompt=text, tier="haiku"),
    )
    script.at(5).work(TASK, 1).at(14).result(TASK, text)
    for mime, content in _artifacts(text).items():
        script.add(
            e.ArtifactSaved(
                name=f"{len(script.records)} {text}", task=TASK, worker=f"w{TASK}", mime=mime,
                path=f"artifacts/{_file_of(mime)}", size=len(content), sha256="0" * 64,
            )
        )  # fmt: skip
    script.end(TASK, text).at(50).add(e.ConductorSlept(text=text), e.RunEnded(status="completed", answer=text))


def _artifacts(text: str) -> dict[str, bytes]:
    """Files of every kind that the board shows, with the text in them."""
    table = {"schema": {"fields": [{"name": text}]}, "data": [{text: text}]}
    drawn = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'>{text}<text y='9'>{escape(text)}</text></svg>"
    )
    contents = {
        "text/plain": text,
        "application/json": json.dumps({text: text}),
        "application/vnd.dataresource+json": json.dumps(table),
        "image/svg+xml": drawn,
    }
    return {mime: content.encode("utf-8", "replace") for mime, content in contents.items()}


def _file_of(mime: str) -> str:
    return mime.replace("/", "-")


PLACES: dict[str, Callable[[Script, str], None]] = {
    "tool_output": _tool_output,
    "python_display": _tool_output,
    "web_page": _tool_output,
    "worker_report": _worker_report,
    "error": _error,
    "task_subject": _task_subject,
    "file_name": _file_name,
    "question": _question,
    "scope_question": _scope_question,
    "markdown_result": _markdown_result,
    "goal": _goal,
    "everywhere": _everywhere,
}
"""Where a text can stand, by the corpus's names."""


class Drawn:
    """A run that shows a text in one place, as the views get it."""

    def __init__(self, place: str, text: str, folder: Path) -> None:
        script = Script()
        PLACES[place](script, text)
        # As a reader of a journal's file gets them, without the disk.
        self.records = [e.Record(r.seq, r.at, e.parse_json(r.event, e.dump_json(r.event))) for r in script.records]
        self.state = fold(self.records)
        self.folder = folder
        (folder / "artifacts").mkdir(exist_ok=True)
        for mime, content in _artifacts(text).items():
            (folder / "artifacts" / _file_of(mime)).write_bytes(content)
        self.result = result_of(self.records, self.state, folder)
        self.snapshot: Json = snapshot(self.state, START + 60)

    def static(self) -> str:
        """The pictures that are HTML text: a result's board, and what it shows of itself below its cell."""
        return f"<div>{self.result.show().data}</div><div>{self.result._repr_html_()}</div>"

    def text(self) -> str:
        """The pictures that are plain text."""
        return "\n".join((board_text(self.snapshot), repr(self.result), board_text(self.snapshot, ascii=True)))


# What a text must never become part of, wherever it is shown.
_ACTIVE = (
    "script, iframe, frame, object, embed, applet, link, meta, base, form[action], img, video, audio, source, portal"
)
_PROBE = """
(root) => {
  const all = [...root.querySelectorAll("*")];
  const attributes = all.flatMap((element) => [...element.attributes].map((a) => [a.name, a.value]));
  return {
    pwned: window.__pwned !== undefined || window.__xss !== undefined,
    tags: all.filter((e) => !["style", "STYLE"].includes(e.tagName)).map((e) => e.tagName.toLowerCase()),
    // An artifact that is a picture is one: its bytes are in the page, and as an image nothing in it runs or loads.
    active: all.filter((e) => e.matches(ACTIVE) && !e.matches(PICTURE)).map((e) => e.outerHTML.slice(0, 200)),
    handlers: attributes.filter(([name]) => name.startsWith("on") || name.startsWith("data-commandlinker")),
    links: attributes
      .filter(([name, value]) => !TEXTS.includes(name) && !value.startsWith(DATA))
      .filter(([name, value]) => ["href", "src", "srcset", "action", "formaction"].includes(name)
        || /javascript:|url\\(/i.test(value)),
    text: root.innerText ?? [...root.children].map((e) => e.innerText ?? "").join("\\n"),
    raw: root.textContent,
  };
}
"""
_DATA = "data:image/svg+xml;base64,"
_NAMES = {
    "ACTIVE": _ACTIVE,
    "PICTURE": f".artifact > img[src^='{_DATA}']",
    "DATA": _DATA,
    "TEXTS": ["title", "alt", "aria-label"],
}
for _name, _value in _NAMES.items():
    _PROBE = _PROBE.replace(_name, json.dumps(_value))


class StaticPage:
    """HTML text in a page of its own, everything that folds being open."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def probe(self, html: str) -> Json:
        """What became of it."""
        self.page.set_content(f"<body><div id=root>{html}</div></body>")
        self.page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true })")
        return self.page.evaluate(f"({_PROBE})(document.querySelector('#root'))")


_PLAY = """
async ([past, task, tabs]) => {
  const look = LOOK;
  const root = document.querySelector("[data-conduct-board]").shadowRoot;
  const seen = [];
  const press = async (element) => {
    element.click();
    await boardPage.settled();
  };
  for (const way of past ? ["back", "on"] : []) {
    await press(root.querySelector(`[aria-label="One event ${way}"]`));
    if (!root.querySelector(".pill").innerText.startsWith("Replay")) throw new Error("the past is not shown");
    seen.push(look(root));
  }
  if (!past) seen.push(look(root));
  await press(root.querySelector('[data-book="Table"]'));
  const row = root.querySelector(`[data-task="${task}"]`);
  if (row !== null) await press(row);
  for (const name of row === null ? [] : tabs) {
    await press([...root.querySelectorAll("[role=tab]")].find((tab) => tab.innerText.startsWith(name)));
    await Promise.all([...root.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
    seen.push(look(root));
  }
  return seen;
}
""".replace("LOOK", _PROBE)


class LiveBoard:
    """The built board in a page, fed by its kernel."""

    def __init__(self, page: Page) -> None:
        self._board = BoardPage(page)

    def probe(self, run: Drawn, line: str) -> list[Json]:
        """What became of it: the board as it opens and each tab of the task, in the present and in the past."""
        lines = dict.fromkeys(run.state.workers, line)
        seen: list[Json] = []
        for past in (False, True):
            self._board.show(run.records, now=START + 60, folder=run.folder, lines=lines)
            seen += self._board.page.evaluate(_PLAY, [past, TASK, ["Prompt", "Transcript", "Output"]])
        self._board.end()
        return seen
