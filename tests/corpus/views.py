"""Texts put where a run can show them, and the views that show them: static pictures, and the live board in a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from conductor_magic import events as e
from conductor_magic.fold import fold
from conductor_magic.report.text import board_text
from conductor_magic.result import result_of
from conductor_magic.snapshot import inspect, snapshot
from tests.golden.script import START, Script

__all__ = ["PLACES", "Drawn", "LiveBoard", "StaticPage"]

Json = dict[str, Any]
SCRIPT = Path(__file__).parents[2] / "conductor_magic" / "static" / "board.js"
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
}
"""Where a text can stand, by the corpus's names."""


class Drawn:
    """A run that shows a text in one place, as the views get it."""

    def __init__(self, place: str, text: str, folder: Path) -> None:
        script = Script()
        PLACES[place](script, text)
        # As a reader of a journal's file gets them, without the disk.
        records = [e.Record(r.seq, r.at, e.parse_json(r.event, e.dump_json(r.event))) for r in script.records]
        state = fold(records)
        self.result = result_of(records, state, folder)
        self.snapshot: Json = snapshot(state, START + 60)
        self.details: dict[str, Json] = {task: inspect(state, task) or {} for task in state.tasks}

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
    active: all.filter((e) => e.matches(ACTIVE)).map((e) => e.outerHTML.slice(0, 200)),
    handlers: attributes.filter(([name]) => name.startsWith("on") || name.startsWith("data-commandlinker")),
    links: attributes.filter(([name, value]) => ["href", "src", "srcset", "action", "formaction"].includes(name)
      || /javascript:|url\\(/i.test(value)),
    text: root.innerText ?? [...root.children].map((e) => e.innerText ?? "").join("\\n"),
    raw: root.textContent,
  };
}
""".replace("ACTIVE", json.dumps(_ACTIVE))


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
async ([snapshot, details, line, task]) => {
  const look = LOOK;
  const listeners = {};
  const lines = Object.fromEntries(Object.keys(snapshot.workers).map((worker) => [worker, line]));
  const model = {
    get: () => ({n: 1, snapshot, lines}),
    on: (name, callback) => { listeners[name] = callback; },
    off: () => {},
    send: ({kind, id, payload}) => queueMicrotask(() => listeners["msg:custom"](
      {kind: "ack", id, ...(kind === "inspect" ? {detail: details[payload.task]} : {})})),
  };
  const drawn = () => new Promise(requestAnimationFrame);
  const place = document.querySelector("#root");
  place.replaceChildren();
  window.widget ??= (await import(window.board)).default();
  await window.widget.initialize({model});
  const takeAway = window.widget.render({model, el: place});
  await drawn();
  const root = place.querySelector("[data-conduct-board]").shadowRoot;
  const seen = [look(root)];
  if (snapshot.order.length > 0) {
    root.querySelector('[data-book="Table"]').click();
    await drawn();
    root.querySelector(`[data-task="${task}"]`).click();
    await drawn();
    for (const name of ["Prompt", "Transcript", "Output"]) {
      [...root.querySelectorAll("[role=tab]")].find((tab) => tab.innerText.startsWith(name)).click();
      await drawn();
      seen.push(look(root));
    }
  }
  takeAway?.();
  return seen;
}
""".replace("LOOK", _PROBE)


class LiveBoard:
    """The built board in a page, fed by a snapshot, with a kernel that answers every command at once."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_viewport_size({"width": 1424, "height": 1000})
        page.set_content("<body style='margin:12px'><div id=root></div></body>")
        source = SCRIPT.read_text("utf-8")
        make = "(s) => { window.board = URL.createObjectURL(new Blob([s], {type: 'text/javascript'})) }"
        page.evaluate(make, source)

    def probe(self, run: Drawn, line: str) -> list[Json]:
        """What became of it: the board as it opens, and each tab of the task."""
        details = json.loads(json.dumps(run.details))
        for detail in details.values():
            for attempt in detail["attempt_list"]:
                attempt["earlier"] = 0
        return self.page.evaluate(_PLAY, [run.snapshot, details, line, TASK])
