"""Puts the static board together, as generously as its size allows.

Its root carries `data-conduct-fallback`: a live board that mounts in the same output hides it. At most `LIMIT` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from conductor_magic.report.html.asked import conflicts, questions
from conductor_magic.report.html.closing import answer, report
from conductor_magic.report.html.graph import graph
from conductor_magic.report.html.head import head, sentence
from conductor_magic.report.html.look import Json, Room, text
from conductor_magic.report.html.prose import prose
from conductor_magic.report.html.tasks import tasks
from conductor_magic.report.html.timeline import timeline

__all__ = ["LIMIT", "board_html", "card_html"]

LIMIT = 64 * 1024

# Most generous first; the first with which the page fits is taken. The last always fits.
_ROOMS = (
    *(Room(100, 72, 40, 150, 8, 200, detail, 20_000) for detail in (8_000, 4_000, 2_000, 1_200, 800, 600)),
    *(Room(100, 72, 40, 150, 8, 160, detail, 12_000) for detail in (450, 350, 270, 200)),
    *(Room(100, 72, 40, 150, 8, 120, detail, 8_000) for detail in (140, 100, 70)),
    *(Room(100, 72, 40, 150, 8, 120, detail, 8_000, all_open=False) for detail in (2_000, 600, 200)),
    Room(100, 72, 40, 120, 8, 80, 0, 6_000),
    Room(100, 72, 20, 0, 8, 60, 0, 4_000),
    Room(20, 0, 8, 0, 2, 40, 0, 1_500, plain=True),
)
# The classes keep MathJax from setting what stands between two dollar signs as a formula.
_BOX = (
    'class="mathjax_ignore tex2jax_ignore" style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;'
    'word-break:break-word;word-wrap:break-word;padding:6px 0"'
)


def board_html(snapshot: Json, details: Mapping[str, Json] | None = None, *, fold_answer: bool = False) -> str:
    """The board as one `<div>`.

    Args:
        snapshot: what `snapshot.snapshot` gave.
        details: what `snapshot.inspect` gave, by task id; each makes its task's line open on a click.
        fold_answer: whether the answer opens on a click too, because it stands in full beside this board.
    """
    page = ""
    for room in _ROOMS:
        page = _page(snapshot, details or {}, room, fold_answer=fold_answer)
        if len(page.encode()) <= LIMIT:
            return page
    return page


def card_html(snapshot: Json) -> str:
    """How a run ended and its answer, as one `<div>`: what a result shows of itself under its cell."""
    run, room = snapshot["run"], _ROOMS[0]
    parts = [
        f"<p>{sentence(snapshot)}</p>",
        f"<p><strong>{text(run['reason'], room.title * 5)}</strong></p>" if run["reason"] else "",
        prose(run["answer"], room.answer) if run["answer"] else "",
        "<p><small>result.show() draws the whole board, result.answer is this text.</small></p>",
    ]
    return f"<div {_BOX}>{''.join(parts)}</div>"


def _page(snapshot: Json, details: Mapping[str, Json], room: Room, *, fold_answer: bool) -> str:
    parts = [
        head(snapshot, room),
        questions(snapshot, room),
        conflicts(snapshot, room),
        graph(snapshot, room),
        timeline(snapshot, room),
        report(snapshot),
        answer(snapshot, room, fold=fold_answer),
        tasks(snapshot, details, room),
    ]
    return f'<div data-conduct-fallback="" {_BOX}>{"".join(parts)}</div>'
