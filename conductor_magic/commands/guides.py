"""`%conduct guides [NAME]`: the guides that a conductor can read, and where each comes from; or one of them, whole."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from conductor_magic.errors import ConductUsageError
from conductor_magic.guides import SHARED, Guide, Guides, find_guides
from conductor_magic.report.words import clean
from conductor_magic.settings import data_folder, default_workspace
from conductor_magic.wording import shown

__all__ = ["run"]

_COLUMNS = 100
"""What the output of a cell shows in one line, about."""


def run(shell: object, words: Sequence[str]) -> None:
    """Print the list, or show the guide that the one word names: Markdown in a notebook, text at a terminal.

    Raises:
        ConductUsageError: there is no such guide, or more than one word.
    """
    if len(words) > 1:
        raise ConductUsageError(f"Write %conduct guides [NAME], not {shown(' '.join(words))}.")
    guides = find_guides(default_workspace(shell))
    if words:
        _show(shell, guides.read(words[0].removesuffix(".md")), guides)
        return
    found = [guides.read(name) for name in (*guides.names, *SHARED)]
    rows = [(guide.name, _from(guide, guides), clean(guide.summary)) for guide in found]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, place, summary in rows:
        head = f"{name:<{widths[0]}}  {place:<{widths[1]}}  "
        print(fill(summary, max(_COLUMNS, len(head) + 30), initial_indent=head, subsequent_indent=" " * len(head)))
    for fault in guides.faults:
        print(clean(fault))
    print(
        f"Your own go into ./references/domains/NAME.md, or {data_folder() / 'references' / 'domains'} for all folders."
    )


def _from(guide: Guide, guides: Guides) -> str:
    if not guide.place:
        return "ours"
    return clean(guide.place) + (", instead of ours" if guides.replaces(guide.name) else "")


def _show(shell: object, guide: Guide, guides: Guides) -> None:
    text = f"{clean(guide.body).rstrip()}\n"
    told = f"{clean(guide.path)} ({_from(guide, guides) if guide.place else 'ours'})"
    if getattr(shell, "kernel", None) is None:
        print(f"{text}\n{told}")
        return
    from IPython.display import Markdown, display

    display(Markdown(f"{text}\n---\n\n`{told}`\n"))
