"""Completion of the `%%conduct` and `%conduct` lines: options, what they take, and names of the notebook."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from conductor_magic.errors import ConductUsageError
from conductor_magic.option_table import OPTIONS, SUBCOMMANDS
from conductor_magic.settings import (
    CAP_SCOPES,
    CAP_UNITS,
    MODES,
    PROVIDERS,
    STRATEGIES,
    TIERS,
    archived_runs,
    default_workspace,
    run_folders,
)
from conductor_magic.wording import variables

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["candidates", "line_matcher"]

_MAGICS = ("%conduct ", "%%conduct ")
_FLAGS = {flag: option for option in OPTIONS for flag in (option.long, option.short) if flag}


def line_matcher(shell: InteractiveShell) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """A matcher for `shell.Completer.custom_matchers`.

    On our lines it stands alone: jedi takes `report --mode ` for the beginning of a subtraction and would offer
    Python's operators.
    """

    @context_matcher()
    def conduct_line_matcher(context: CompletionContext) -> SimpleMatcherResult:
        before = context.text_until_cursor.removesuffix(context.token)
        if not before.lstrip().startswith(_MAGICS):
            return {"completions": []}
        found = candidates(before, context.token, shell.user_ns, default_workspace(shell))
        return {"completions": [SimpleCompletion(text) for text in found], "suppress": bool(found), "ordered": True}

    return conduct_line_matcher


def candidates(before: str, token: str, namespace: Mapping[str, Any], workspace: Path) -> list[str]:
    """What can stand at the cursor.

    Args:
        before: the line up to the token.
        token: the piece of a word before the cursor.
        namespace: the notebook's variables.
        workspace: the folder whose guides are offered beside ours, unless the line names another.
    """
    words = before.split()
    if not words[0].startswith("%%"):
        found = _subcommand(words, workspace)
    else:
        last = words[-1]
        # `--use a,` goes on with the option's values, as `--use ` and `--mode=` do.
        if last.endswith(",") and len(words) > 2:
            last = words[-2]
        option = _FLAGS.get(last.partition("=")[0])
        takes_value = option is not None and option.value and not token.startswith("-")
        if option and takes_value:
            found = sorted(_values(option.field, namespace, _named(words) or workspace))
        else:
            found = [o.long for o in OPTIONS]
    return [text for text in found if text.startswith(token)]


def _named(words: list[str]) -> Path | None:
    """The workspace that the line names already."""
    given = (after for flag, after in pairwise(words) if flag == "--workspace")
    joined = (word.partition("=")[2] for word in words if word.startswith("--workspace="))
    return next((Path(text).expanduser() for text in (*given, *joined)), None)


def _subcommand(words: list[str], workspace: Path) -> list[str]:
    names = [usage.partition(" ")[0] for usage in SUBCOMMANDS]
    if len(words) == 1:
        return names
    if words[1:] == ["restore"]:
        return ["last", *(path.stem for path in reversed(archived_runs()))]
    if words[1:] == ["guides"]:
        from conductor_magic.guides import SHARED

        return [*_guides(workspace), *SHARED]
    takes_run = words[1:] in (["show"], ["resume"], ["replay"], ["archive"])
    return ["last", *(folder.name for folder in reversed(run_folders()))] if takes_run else []


def _values(field: str, namespace: Mapping[str, Any], workspace: Path) -> list[str]:
    fits = _FITS.get(field)
    found = [] if fits is None else [name for name in variables(namespace) if fits(namespace[name])]
    return [*_FIXED.get(field, ()), *(_guides(workspace) if field == "guide" else ()), *found]


def _guides(workspace: Path) -> Iterable[str]:
    from conductor_magic.guides import find_guides

    try:
        return find_guides(workspace).names
    except (ConductUsageError, OSError):
        return ()


def _is_data(value: object) -> bool:
    return not (inspect.ismodule(value) or inspect.isroutine(value) or isinstance(value, type))


_FIXED: Mapping[str, tuple[str, ...]] = {
    "mode": MODES,
    "provider": PROVIDERS,
    "strategy": STRATEGIES,
    "tiers": tuple(f"{tier}=" for tier in TIERS),
    "budget": ("none",),
    "timeout": ("none",),
    "cap": tuple(
        f"{scope}.{unit}="
        for scope in CAP_SCOPES
        for unit in CAP_UNITS
        if (scope, unit) not in (("run", "usd"), ("run", "seconds"))
    ),
    "returns": ("bool", "dict", "float", "int", "list", "str"),
}
"""Values of options that do not depend on the notebook."""

_FITS: Mapping[str, Callable[[object], bool]] = {
    "use": _is_data,
    "answers": lambda value: isinstance(value, dict),
    "returns": lambda value: isinstance(value, type),
}
"""Which of the notebook's variables an option can take."""
