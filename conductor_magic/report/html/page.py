"""Puts the static board and the card together, as generously as their size allows: at most `LIMIT` bytes each.

The board's root carries `data-conduct-fallback`: a live board that mounts in the same output hides it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape

from conductor_magic.report.html.asked import conflicts, questions
from conductor_magic.report.html.closing import answer, report, signature
from conductor_magic.report.html.graph import graph
from conductor_magic.report.html.head import head, sentence
from conductor_magic.report.html.look import Json, Room, text
from conductor_magic.report.html.plan import plan
from conductor_magic.report.html.prose import Draw, prose
from conductor_magic.report.html.prose import draw as draw_markdown
from conductor_magic.report.html.tasks import tasks
from conductor_magic.report.html.timeline import timeline

__all__ = ["LIMIT", "board_html", "card_html"]

LIMIT = 64 * 1024

# Most generous first in each; the first with which the page fits is taken. Pages become smaller along a ladder, so that
# it need not be climbed rung by rung; from one ladder to the next they need not.
_LADDERS = (
    (Room(100, 72, 40, 150, 8, 200, 8_000, 20_000),),
    (
        *(Room(100, 72, 40, 150, 8, 200, detail, 20_000) for detail in (4_000, 2_000, 1_200, 800, 600)),
        *(Room(100, 72, 40, 150, 8, 160, detail, 12_000) for detail in (450, 350, 270, 200)),
        *(Room(100, 72, 40, 150, 8, 120, detail, 8_000) for detail in (140, 100, 70)),
    ),
    (
        *(Room(100, 72, 40, 150, 8, 120, detail, 8_000, all_open=False) for detail in (2_000, 600, 200)),
        Room(100, 72, 40, 120, 8, 80, 0, 6_000),
        Room(100, 72, 20, 0, 8, 60, 0, 4_000),
    ),
)
# Always fits.
_LEAST = Room(20, 0, 8, 0, 2, 40, 0, 1_500, plain=True)
# The classes keep MathJax from setting what stands between two dollar signs as a formula.
_BOX = (
    'class="mathjax_ignore tex2jax_ignore" style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;'
    'word-break:break-word;word-wrap:break-word;padding:6px 0"'
)


def board_html(
    snapshot: Json,
    details: Mapping[str, Json] | None = None,
    *,
    fold_answer: bool = False,
    tokens: Sequence[str] = (),
) -> str:
    """The board as one `<div>`.

    Args:
        snapshot: what `snapshot.snapshot` gave.
        details: what `snapshot.inspect` gave, by task id; each makes its task's line open on a click.
        fold_answer: whether the answer opens on a click too, because it stands in full beside this board.
        tokens: what `tokens.token_lines` says.
    """
    closing = report(snapshot, tokens)
    return _roomiest(lambda room, draw: _page(snapshot, details or {}, closing, room, draw, fold_answer=fold_answer))


def card_html(snapshot: Json) -> str:
    """How a run ended and its answer, as one `<div>`: what a result shows of itself under its cell."""
    return _roomiest(lambda room, draw: _card(snapshot, room, draw))


def _roomiest(pieces: Callable[[Room, Draw], Iterable[str]]) -> str:
    """What is drawn in the first room in which it fits.

    Args:
        pieces: draws for a room; Markdown by what it is given.
    """
    # Reading Markdown takes far longer than all else: each text is read once, and none where it is too long unread.
    draw = cache(draw_markdown)
    unread = cache(lambda room: _whole(pieces(room, _dense)))
    whole = cache(lambda room: _whole(pieces(room, draw)))
    for ladder in _LADDERS:
        first = bisect_left(ladder, True, key=lambda room: unread(room) is not None)
        rung = bisect_left(ladder, True, first, key=lambda room: whole(room) is not None)
        if rung < len(ladder) and (page := whole(ladder[rung])) is not None:
            return page
    return "".join(pieces(_LEAST, draw))


def _dense(markdown: str) -> str:
    """What of a text is surely drawn: all but its spaces."""
    return escape("".join(markdown.split()))


def _whole(pieces: Iterable[str]) -> str | None:
    """The pieces as one; None as soon as they are too large, and no further piece is drawn."""
    size, found = 0, []
    for piece in pieces:
        size += len(piece.encode())
        if size > LIMIT:
            return None
        found.append(piece)
    return "".join(found)


def _card(snapshot: Json, room: Room, draw: Draw) -> Iterator[str]:
    run = snapshot["run"]
    yield f"<div {_BOX}><p>{sentence(snapshot)}</p>"
    if run["reason"]:
        yield f"<p><strong>{text(run['reason'], room.title * 5)}</strong></p>"
    yield plan(snapshot)
    if run["answer"]:
        yield prose(run["answer"], room.answer, draw=draw, plain=room.plain)
    yield signature(snapshot)
    yield "<p><small>result.show() draws the whole board, result.answer is this text.</small></p></div>"


def _page(
    snapshot: Json, details: Mapping[str, Json], closing: str, room: Room, draw: Draw, *, fold_answer: bool
) -> Iterator[str]:
    yield f'<div data-conduct-fallback="" {_BOX}>'
    yield head(snapshot, room)
    yield questions(snapshot, room)
    yield conflicts(snapshot, room)
    yield graph(snapshot, room)
    yield timeline(snapshot, room)
    yield plan(snapshot)
    yield closing
    yield answer(snapshot, room, draw, fold=fold_answer)
    yield signature(snapshot)
    yield from tasks(snapshot, details, room, draw)
    yield "</div>"
