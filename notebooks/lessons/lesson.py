"""What the lessons share: to hold a prediction against a run, and to draw a run's graph and its timeline.

Everything that is shown here comes from a `ConductResult`; nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conductor_magic import ConductResult

__all__ = ["Drawing", "Pace", "Verdict", "check", "draw", "pace", "timeline"]

_INKS = {"haiku": "#3b8686", "sonnet": "#4c78a8", "opus": "#9a5b9a"}
_NAMES, _BARS, _ROW = 230, 470, 22


@dataclass(frozen=True)
class Verdict:
    """What came of a prediction; the cell that ends with it shows the words.

    Attributes:
        right: whether it came true.
        guess: what was predicted.
        actual: what the run says.
        words: the two, held against each other.
    """

    right: bool
    guess: Any
    actual: Any
    words: str

    def _repr_markdown_(self) -> str:
        return self.words


def check(guess: Any, actual: Any, told: str, *, near: float = 0.0) -> Verdict:
    """Hold a prediction against what a run says.

    Args:
        guess: the prediction.
        actual: the run's own figure, name, or list of names.
        told: what `actual` is, as in `workers at once`.
        near: the share of `actual` that a figure may be off and still be right.
    """
    right = _same(guess, actual, near)
    said, is_so = _shown(guess), _shown(actual)
    if right and (said == is_so or not near):
        return Verdict(right, guess, actual, f"**Right.** {told}: you said {said}, and so does the run.")
    if right:
        return Verdict(right, guess, actual, f"**Right, near enough.** {told}: you said {said}, the run says {is_so}.")
    why = "That is what a guess is for: look for the reason, then change it and run this cell again."
    return Verdict(right, guess, actual, f"**Not this time.** {told}: you said {said}, the run says {is_so}. {why}")


def _same(guess: Any, actual: Any, near: float) -> bool:
    """Whether they mean the same, in whatever case; a lone text is a list of one, a number in quotes that number."""
    if isinstance(actual, (list, tuple, set, frozenset)):
        guessed = [guess] if isinstance(guess, str) else guess
        return isinstance(guessed, (list, tuple, set, frozenset)) and sorted(map(_plain, guessed)) == sorted(
            map(_plain, actual)
        )
    if isinstance(actual, bool) or isinstance(guess, bool) or not isinstance(actual, (int, float)):
        return _plain(guess) == _plain(actual)
    try:
        return abs(float(guess) - actual) <= near * abs(actual)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> str:
    return str(value).strip().casefold()


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(f"`{one}`" for one in sorted(map(str, value))) or "`nothing`"
    return f"`{value:.2f}`" if isinstance(value, float) else f"`{value}`"


class Drawing:
    """Something that a notebook draws; where it cannot, the text says the same.

    Args:
        mime: the type of the picture.
        picture: the picture.
        text: the same in characters.
    """

    def __init__(self, mime: str, picture: str, text: str) -> None:
        self._bundle = {mime: picture, "text/plain": text}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._bundle


def draw(result: ConductResult) -> Drawing:
    """The graph of a run, drawn by the Mermaid that comes with JupyterLab: no net is needed."""
    graph = result.graph.to_mermaid()
    return Drawing("text/vnd.mermaid", graph, graph)


@dataclass(frozen=True)
class Pace:
    """How long a run's workers took, from its timeline.

    Attributes:
        work: seconds of all workers together: what one after the other would take.
        wall: seconds from the first worker's start to the last one's end.
        at_once: the most workers that were at it at one moment.
    """

    work: float
    wall: float
    at_once: int

    @property
    def gain(self) -> float:
        """How many times as fast as one after the other."""
        return self.work / self.wall if self.wall else 1.0

    @property
    def figures(self) -> tuple[float, float, int, float]:
        """Work, wall, the most at once, and the gain."""
        return self.work, self.wall, self.at_once, self.gain

    def _repr_markdown_(self) -> str:
        return (
            f"One after the other: {self.work:.1f} s. As it ran: {self.wall:.1f} s, with up to {self.at_once} at once: "
            f"{self.gain:.1f} times as fast."
        )


def pace(result: ConductResult) -> Pace:
    """Measure a run by its timeline.

    Raises:
        ValueError: no worker has worked in it.
    """
    spans = [(one.start, one.end) for one in result.timeline if one.end]
    if not spans:
        raise ValueError("No worker has worked in this run.")
    wall = max(end for _, end in spans) - min(start for start, _ in spans)
    work = sum((end - start).total_seconds() for start, end in spans)
    at_once = max(sum(other <= start < end for other, end in spans) for start, _ in spans)
    return Pace(work, wall.total_seconds(), at_once)


def timeline(result: ConductResult) -> Drawing:
    """Who worked when: a row for each attempt, in the order in which they began."""
    rows = [one for one in result.timeline if one.end]
    begun = min(one.start for one in rows)
    whole = max((one.end - begun).total_seconds() for one in rows if one.end) or 1.0

    def at(moment: Any) -> float:
        return (moment - begun).total_seconds() / whole

    names = [f"{one.task}: {result[one.task].subject}" for one in rows]
    spans = [(at(one.start), at(one.end), one.tier) for one in rows]
    return Drawing("text/html", _svg(names, spans, whole), _characters(names, spans, whole))


def _svg(names: list[str], spans: list[tuple[float, float, str]], whole: float) -> str:
    shapes: list[str] = []
    for row, (name, (start, end, tier)) in enumerate(zip(names, spans, strict=True)):
        top = row * _ROW
        cut = name if len(name) <= 36 else f"{name[:35]}…"
        left, width = _NAMES + start * _BARS, max(2.0, (end - start) * _BARS)
        ink = _INKS.get(tier, "#777777")
        place = f'x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{_ROW - 6}" rx="3"'
        told = f"{escape(tier)}, {(end - start) * whole:.2f} s"
        shapes += [
            f'<text x="0" y="{top + 15}">{escape(cut)}</text>',
            f'<rect {place} fill="{ink}"><title>{told}</title></rect>',
        ]
    foot = len(names) * _ROW
    used = dict.fromkeys(tier for _, _, tier in spans)
    legend = "".join(f'<tspan dx="10" fill="{_INKS.get(tier, "#777777")}">■</tspan> {escape(tier)}' for tier in used)
    shapes += [
        f'<line x1="{_NAMES}" y1="{foot + 4}" x2="{_NAMES + _BARS}" y2="{foot + 4}" stroke="currentColor" />',
        f'<text x="{_NAMES}" y="{foot + 20}">0 s</text>',
        f'<text x="{_NAMES + _BARS}" y="{foot + 20}" text-anchor="end">{whole:.1f} s</text>',
        f'<text x="0" y="{foot + 20}">{legend}</text>',
    ]
    size = f'width="{_NAMES + _BARS + 4}" height="{foot + 26}"'
    style = "font: 12px var(--jp-ui-font-family, sans-serif); color: var(--jp-content-font-color1, inherit)"
    return f'<svg {size} role="img" aria-label="Timeline" style="{style}" fill="currentColor">{"".join(shapes)}</svg>'


def _characters(names: list[str], spans: list[tuple[float, float, str]], whole: float) -> str:
    wide, cells = max(map(len, names)), 50
    lines: list[str] = []
    for name, (start, end, tier) in zip(names, spans, strict=True):
        first, last = round(start * cells), max(round(start * cells) + 1, round(end * cells))
        lines.append(f"{name:<{wide}}  {' ' * first}{'█' * (last - first)}{' ' * (cells - last)}  {tier}")
    return "\n".join([*lines, f"{'':<{wide}}  0 s{f'{whole:.1f} s':>{cells - 3}}"])
