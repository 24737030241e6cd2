"""How a usage error names what was given and guesses what was meant: always one line, whatever the text was."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "listed", "one_line", "path_text", "runs", "shown", "variables"]

_WIDTH = 60
# What IPython itself puts into every notebook.
_INJECTED = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})


def shown(value: object, width: int = _WIDTH) -> str:
    """The value on one line, in quotes when it is text, cut in the middle when it is long; never raises."""
    try:
        text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    except Exception:  # noqa: BLE001 - a broken repr must not replace the message that it is for
        text = f"a {type(value).__name__}"
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    return f"{text[: width * 2 // 3]} … {text[-(width // 3) :]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The sentence ` Did you mean x?` with the nearest known word, or nothing."""
    by_form = {_form(name): name for name in known}
    near = difflib.get_close_matches(_form(word[:100]), by_form, n=1, cutoff=0.7)
    return f" Did you mean {by_form[near[0]]}?" if near else ""


def listed(words: Iterable[str], last: str = "or") -> str:
    """Words as a list in a sentence: `a, b or c`."""
    *most, final = tuple(words)
    return f"{', '.join(most)} {last} {final}" if most else final


def one_line(text: str, limit: int) -> str:
    """The text on one line, cut at its end when it is longer than `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def path_text(path: str) -> str:
    """The path on one line: whoever named a file adds no line to what is said of it, and turns none around."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in path)


def runs(ids: Iterable[str]) -> list[str]:
    """Ids in their order, three and more that follow one another as one: `1`, `4-9`."""
    found: list[list[str]] = []
    for name in ids:
        if found and name.isdigit() and found[-1][-1].isdigit() and int(name) == int(found[-1][-1]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    return [part for run in found for part in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else run)]


def variables(namespace: Iterable[str]) -> list[str]:
    """The names that a person gave, of all those in a notebook's namespace."""
    return [name for name in namespace if not name.startswith("_") and name not in _INJECTED]


def _form(word: str) -> str:
    """What makes two spellings near: letter case, leading hyphens and the kind of separator do not count."""
    return word.lower().replace("_", "-").lstrip("-")
