"""The built board on a plain page, its kernel's end being the real `Board`: mounted, pressed, told, listened to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from conductor_magic.board import Board
from conductor_magic.events import Record
from conductor_magic.fold import fold
from conductor_magic.journal import Journal
from conductor_magic.loop import engine_loop
from conductor_magic.recording import Recording
from conductor_magic.state import RunState
from conductor_magic.views import VIEWS
from tests.support.wire import View, press, watched_wire

__all__ = ["THEMES", "BoardPage"]

Json = dict[str, Any]
SCRIPT = Path(__file__).parents[2] / "conductor_magic" / "static" / "board.js"
THEMES = {"light": ("#fff", "#1f2328"), "dark": ("#1e1e1e", "#e6e6e6")}
"""The ground and the ink that the page gives to the board, as JupyterLab does."""

_ANSWER_SECONDS = 10.0
_MARGIN = 12

_PREPARE = """
async (source) => {
  const listeners = {};
  const tell = (messages) => { for (const message of messages) listeners["msg:custom"]?.(message); };
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const make = (await import(url)).default;
  let waiting = 0;
  let takeAway = () => {};
  const send = async (message) => {
    waiting += 1;
    tell(await toKernel(message));
    waiting -= 1;
  };
  const settled = async () => {
    // What was answered is drawn, and what is drawn may ask again.
    for (let calm = 0; calm < 2; calm = waiting === 0 ? calm + 1 : 0) await new Promise(requestAnimationFrame);
  };
  const show = (snap) => {
    takeAway();
    const widget = make();
    const on = (name, callback) => { listeners[name] = callback; };
    const model = {get: () => snap, on, off: () => {}, send: (message) => void send(message)};
    const end = widget.initialize({model});
    const unmount = widget.render({model, el: document.querySelector("#board")});
    takeAway = () => { unmount(); end(); };
    return settled();
  };
  globalThis.boardPage = {tell, settled, show};
}
"""


class BoardPage:
    """A page with nothing but a board.

    Args:
        page: is emptied; a clipboard needs one that came from a secure address.
        theme: a key of `THEMES`.
        width: of the board, in CSS pixels.

    Attributes:
        board: the board's element.
        sent: every message that the page has sent, in order.
        lose: says of a message from the page whether it is lost on its way.
    """

    def __init__(self, page: Page, *, theme: str = "light", width: int = 1400) -> None:
        self.page = page
        self.board: Locator = page.locator("[data-conduct-board] .board")
        self.sent: list[Json] = []
        self.lose: Callable[[Json], bool] = lambda message: False
        self._view = View()
        self._told = 0
        self._kernel: Board | None = None
        page.expose_function("toKernel", self._carry)
        self.dress(theme, width)

    def dress(self, theme: str, width: int) -> None:
        """Begin anew in another theme and at another width; no run is shown then."""
        ground, ink = THEMES[theme]
        self.page.set_viewport_size({"width": width + 2 * _MARGIN, "height": 640 + 2 * _MARGIN})
        self.page.set_content(
            "<!doctype html><html lang=en><title>The board</title>"
            f"<body style='margin:{_MARGIN}px;background:{ground};--jp-layout-color1:{ground};"
            f"--jp-content-font-color0:{ink}' data-jp-theme-light='{str(theme == 'light').lower()}'>"
            "<main><div id=board></div></main>"
        )
        self.page.evaluate(_PREPARE, SCRIPT.read_text("utf-8"))

    def show(
        self,
        run: Journal | Sequence[Record],
        *,
        state: RunState | None = None,
        now: float | None = None,
        folder: Path = Path(),
        lines: Mapping[str, str] | None = None,
        commands: Callable[[str, Json], Json] = lambda kind, payload: {},
    ) -> None:
        """Show a run in place of the one before.

        Args:
            run: a journal is followed, see `deliver`; of a run's records nothing more comes.
            state: what is shown in place of the fold of the records, whose past cannot be looked at then.
            now: the moment at which it is looked at, in epoch seconds; that of its last record when None.
            folder: the run's; its artifacts are read there.
            lines: what workers streamed last, by worker.
            commands: what is done about what a person does; everything is fine when it is left out.
        """
        self.end()
        kept = run if isinstance(run, Journal) else _Still(run, state, now)

        def asked(kind: str, payload: Json) -> Any:
            if kind in VIEWS:
                return VIEWS[kind](kept.records, kept.state, folder, payload)
            return {} if kind == "hello" else commands(kind, payload)

        with watched_wire() as view:
            kernel = Board(asked)
            for worker, line in (lines or {}).items():
                kernel.say(worker, f"{line}\n")
            kernel.attach(kept, engine_loop())
            self._until(view, lambda: any(state["snapshot"] for state in view.states))
        self._view, self._told, self._kernel = view, 0, kernel
        self.page.evaluate("(snap) => boardPage.show(snap)", kernel.whole())

    def end(self) -> None:
        """Let the kernel's end follow its run no longer."""
        if self._kernel is not None:
            self._kernel.detach()

    def settle(self) -> None:
        """Wait until nothing that the page has asked for is missing, and all of it is drawn."""
        self.page.evaluate("boardPage.settled()")

    def deliver(self) -> None:
        """Let arrive what the kernel has sent of its own accord."""
        self.page.evaluate("(messages) => boardPage.tell(messages)", self._news())

    def of(self, kind: str) -> list[Json]:
        """The payloads that the page has sent of this kind; what was sent again counts again."""
        return [message["payload"] for message in self.sent if message["kind"] == kind]

    def press(self, target: Locator) -> None:
        """Press a control as a hand does: to where it is, down, 80 ms, up. Nothing is tried twice."""
        target.scroll_into_view_if_needed(timeout=5_000)
        box = target.bounding_box()
        assert box is not None, "there is nothing to press"
        mouse = self.page.mouse
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mouse.down()
        self.page.wait_for_timeout(80)
        mouse.up()

    def inspect(self, task: str, *tabs: str) -> None:
        """Open a task from the table, and its tabs one after the other."""
        self.board.locator("[data-book=Table]").click()
        self.board.locator(f"[data-task='{task}']").click()
        for tab in tabs:
            self.board.get_by_role("tab", name=tab).click()
        self.settle()

    def _carry(self, message: Json) -> list[Json]:
        """Hand the page's message to the kernel; what the kernel has sent by the time it has answered."""
        self.sent.append(message)
        if self.lose(message) or self._kernel is None:
            return []
        view, told = self._view, len(self._view.messages)
        press(self._kernel, **message)

        def answered() -> bool:
            new = view.messages[told:]
            awaited = ("snap", None) if message["kind"] == "sync" else ("ack", message["id"])
            return any((one["kind"], one.get("id")) == awaited for one in new)

        self._until(view, answered)
        return self._news()

    def _news(self) -> list[Json]:
        with self._view.changed:
            news = self._view.messages[self._told :]
            self._told += len(news)
        return json.loads(json.dumps(news))

    @staticmethod
    def _until(view: View, holds: Callable[[], object]) -> None:
        with view.changed:
            assert view.changed.wait_for(holds, _ANSWER_SECONDS), "the kernel did not answer"


class _Still(Recording):
    """A recording that is looked at some time after its last record."""

    def __init__(self, records: Sequence[Record], state: RunState | None, now: float | None) -> None:
        super().__init__(records, state or fold(records), alive=True)
        self._now = self.state.at if now is None else now

    def now(self) -> float:
        return self._now
