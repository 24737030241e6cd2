"""Takes pictures of the built board, fed by the golden snapshots: `python widgets/test/screenshots.py FOLDER`.

A picture for each run, width and theme; needs playwright and a Chromium (`$CHROMIUM`, else playwright's own).
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from playwright.sync_api import Page, sync_playwright

from conductor_magic.fold import fold
from conductor_magic.report.whole import report
from tests.golden.journals import RUNS

WIDGETS = Path(__file__).parent.parent
GOLDEN = WIDGETS.parent / "tests" / "golden"
SCRIPT = WIDGETS.parent / "conductor_magic" / "static" / "board.js"
THEMES = {"light": ("#fff", "#1f2328"), "dark": ("#1e1e1e", "#e6e6e6")}
# What to open before the picture is taken, by run.
SELECT = {"running": "3", "failed": "4", "done": "7", "hostile": "1"}


def answers(name: str) -> dict[str, object]:
    """What the kernel says of a run's artifact and of the run as a whole."""
    records = RUNS[name]().records
    bars = "".join(f"<rect x='{40 * n}' y='{90 - n * n}' width='30' height='{10 + n * n}'/>" for n in range(9))
    drawn = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 360 100' fill='#1a5fd0'>{bars}</svg>"
    picture = {"kind": "picture", "mime": "image/svg+xml", "data": b64encode(drawn.encode()).decode(), "path": "/a"}
    return {"artifact": {"preview": picture}, "report": {"report": report(records, fold(records))}}


def show(page: Page, name: str, width: int, theme: str, select: str = "") -> None:
    """Mount the board on a page that is `width` wide, with a kernel that answers every command at once."""
    ground, ink = THEMES[theme]
    page.set_viewport_size({"width": width + 24, "height": 664})
    page.set_content(
        f"<body style='margin:12px;background:{ground};--jp-layout-color1:{ground};--jp-content-font-color0:{ink}'"
        f" data-jp-theme-light='{str(theme == 'light').lower()}'><div id=board></div>"
    )
    snapshot = json.loads((GOLDEN / "snapshots" / f"{name}.json").read_text("utf-8"))
    details = json.loads((GOLDEN / "details" / f"{name}.json").read_text("utf-8"))
    for detail in details.values():
        for attempt in detail["attempt_list"]:
            attempt["earlier"] = 0
    page.evaluate(
        """async ([source, snapshot, details, select, answers]) => {
          const listeners = {};
          const lines = {w3: "bill_length_mm and flipper_length_mm both have two peaks", w5: "r = 0.87 for mass"};
          const model = {
            get: () => ({n: 1, snapshot, lines}),
            on: (name, callback) => { listeners[name] = callback; },
            off: () => {},
            send: ({kind, id, payload}) => queueMicrotask(() => listeners["msg:custom"](
              {kind: "ack", id, ...(kind === "inspect" ? {detail: details[payload.task]} : answers[kind])})),
          };
          const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
          const widget = (await import(url)).default();
          await widget.initialize({model});
          widget.render({model, el: document.querySelector("#board")});
          await new Promise(requestAnimationFrame);
          const root = document.querySelector("[data-conduct-board]").shadowRoot;
          if (select) root.querySelector(`[data-book="Table"]`)?.click();
          await new Promise(requestAnimationFrame);
          root.querySelector(`[data-task="${select}"]`)?.click();
          await new Promise(requestAnimationFrame);
          root.querySelector(`[data-book="Phases"]`)?.click();
          await new Promise((done) => setTimeout(done, 100));
        }""",
        [SCRIPT.read_text("utf-8"), snapshot, details, select, answers(name)],
    )


def main(folder: Path) -> None:
    """Write all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox"])
        page = browser.new_page()
        for path in sorted((GOLDEN / "snapshots").glob("*.json")):
            for width in (600, 900, 1400):
                for theme in THEMES:
                    for select in ("", SELECT.get(path.stem, "")):
                        show(page, path.stem, width, theme, select)
                        opened = f"-{select}" if select else ""
                        page.screenshot(path=folder / f"{path.stem}-{width}-{theme}{opened}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
