"""Reads the line of `%%conduct [NAME] [options]`; what is wrong with it is said in one line.

Words are split at blanks. Quotes keep blanks together and are taken away; brackets keep them too and stay as they
are, so that `--returns dict[str, Model]` and `--returns Literal["a", "b"]` need no quotes. A backslash is a backslash.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from conductor_magic.errors import ConductUsageError
from conductor_magic.option_table import OPTIONS, Option
from conductor_magic.wording import did_you_mean, shown

__all__ = ["Line", "parse_line", "parse_words", "split_line"]

_BY_FLAG = {flag: option for option in OPTIONS for flag in (option.long, option.short) if flag}
_SWITCHES = frozenset(flag for flag, option in _BY_FLAG.items() if not option.value)
_LONG = tuple(option.long for option in OPTIONS)
_BELOW = "The goal goes below the line."
_HELP = ("--help", "-h")
# What word processors and chat windows make of two hyphens.
_DASHES = "‐‑‒–—―−"
# Binding these would take something away: IPython's history, and names such as __builtins__ that Python itself reads.
_TAKEN = re.compile(r"_{1,3}|_i{1,3}|_i?[0-9]+|_[iod]h|In|Out|get_ipython")
_DUNDER = re.compile(r"__\w+__")


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says.

    Attributes:
        given: the options by their field in `Options` (a repeatable one has a list), and `name` if there is one.
        help: the help was asked for; nothing is to run.
    """

    given: dict[str, object] = field(default_factory=dict[str, object])
    help: bool = False


def parse_line(line: str) -> Line:
    """Read the line; values are still text, to be checked by `check_options`.

    Raises:
        ConductUsageError: a quote that does not end, an unknown option, a missing value, a bad or second name.
    """
    return parse_words(split_line(line))


def parse_words(line: Iterable[str], goal: str = _BELOW) -> Line:
    """As `parse_line`, of a line that is split already; `goal` says where a goal goes that stands in a name's place."""
    words = [part for word in line for part in _apart(word)]
    given: dict[str, object] = {}
    names: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in _HELP:
            return Line(help=True)
        if not word.startswith("-"):
            names.append(word)
            continue
        option, value = _option(word)
        if not option.value:
            given[option.field] = True
            continue
        if value is None and at < len(words) and not _is_flag(words[at]):
            value = words[at]
            at += 1
        if not value:
            raise ConductUsageError(f"{option.long} needs a value: {option.long} {option.value}.")
        _put(given, option, value)
    if names:
        given["name"] = _name(names, goal)
    return Line(given)


def _apart(word: str) -> list[str]:
    """Switches written together, one by one: `-bq` is `-b -q`."""
    flags = ["-" + letter for letter in word[1:]]
    together = word.startswith("-") and len(flags) > 1 and all(flag in _SWITCHES for flag in flags)
    return flags if together else [word]


def _option(word: str) -> tuple[Option, str | None]:
    """The option that a word is, and its value if the word carries it."""
    flag, equals, rest = word.partition("=")
    value: str | None = rest if equals else None
    known = _BY_FLAG.get(flag)
    if known is None and not word.startswith("--") and "--" + flag.lstrip("-") not in _BY_FLAG:
        # -w4 and -w=4; a long flag with one dash is not -w with a strange value.
        known, value = _BY_FLAG.get(word[:2]), word[2:].removeprefix("=")
        if known is not None and not known.value:
            known = None
    if known is None:
        meant = did_you_mean("--" + flag.lstrip("-"), _LONG)
        hint = meant or f" Options: {', '.join(_LONG)}."
        raise ConductUsageError(f"There is no option {shown(flag)}.{hint}")
    if value is not None and not known.value:
        raise ConductUsageError(f"{known.long} is a switch and takes no value.")
    return known, value


def _is_flag(word: str) -> bool:
    """Whether a word begins another option, so that it is no value; -3 is a value, if a bad one."""
    return word.startswith("--") or word in _BY_FLAG or word in _HELP


def _put(given: dict[str, object], option: Option, value: str) -> None:
    if option.repeatable:
        before = given.setdefault(option.field, [])
        assert isinstance(before, list)
        before.append(value)
    elif option.field in given:
        raise ConductUsageError(f"{option.long} was given twice: {shown(given[option.field])} and {shown(value)}.")
    else:
        given[option.field] = value


def _name(words: list[str], goal: str) -> str:
    """The one variable name among the words that are no options."""
    for word in words:
        bare = word.lstrip(_DASHES).partition("=")[0]
        if (word[0:1] in tuple(_DASHES) or "=" in word or len(words) > 1) and f"--{bare}" in _BY_FLAG:
            raise ConductUsageError(f"{shown(word)} is no option without two hyphens before it. Did you mean --{bare}?")
        if word[0:1] in tuple(_DASHES):
            raise ConductUsageError(f"{shown(word)} begins with a long dash; options begin with two hyphens.")
    if len(words) > 1:
        several = ", ".join(shown(word, 30) for word in words[:4])
        raise ConductUsageError(f"Give one name for the result, not {len(words)}: {several}. {goal}")
    name = unicodedata.normalize("NFKC", words[0])  # as Python itself reads names
    if not name.isidentifier():
        raise ConductUsageError(f"{shown(words[0])} cannot be a variable's name. {goal}")
    owner = "Python" if keyword.iskeyword(name) or _DUNDER.fullmatch(name) else "IPython"
    if owner == "Python" or _TAKEN.fullmatch(name):
        raise ConductUsageError(f"{name} belongs to {owner} and cannot be the result's name. Take another one.")
    return name


def split_line(line: str) -> list[str]:
    """The words of a line.

    Raises:
        ConductUsageError: a quote or a bracket is not closed; says where it opens.
    """
    words: list[str] = []
    word: str | None = None
    quote, opened = "", [0]
    brackets: list[int] = []
    for at, character in enumerate(line, 1):
        if quote:
            if character == quote:
                quote = ""
                if not brackets:
                    continue
        elif character in "\"'":
            quote, opened = character, [at]
            if not brackets:
                word = word or ""
                continue
        elif character in "[(":
            brackets.append(at)
        elif character in "])" and brackets:
            brackets.pop()
        elif character.isspace() and not brackets:
            if word is not None:
                words.append(word)
            word = None
            continue
        word = (word or "") + character
    if quote:
        raise ConductUsageError(f"The quote {quote} at character {opened[0]} of the line is not closed: {shown(line)}.")
    if brackets:
        raise ConductUsageError(
            f"The {line[brackets[-1] - 1]} at character {brackets[-1]} of the line is not closed: {shown(line)}."
        )
    return words if word is None else [*words, word]
