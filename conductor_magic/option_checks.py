"""Checks every option's value: the cell's line, the traitlets and `conduct(**options)` all come here.

So an option means the same everywhere, and a bad value is refused with the same sentence: what was given, what is
allowed, and what was probably meant.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from operator import index
from pathlib import Path
from typing import Any, cast

from conductor_magic.errors import ConductUsageError
from conductor_magic.settings import (
    CAP_SCOPES,
    CAP_UNITS,
    MODES,
    PROVIDERS,
    STRATEGIES,
    TIERS,
    Options,
    data_folder,
    runs_folder,
)
from conductor_magic.wording import did_you_mean, listed, shown

__all__ = ["check_option", "check_options", "check_workspace"]

_MOST_WORKERS = 256
_LEAST_WINDOW, _MOST_WINDOW = 10_000, 10_000_000
_LONGEST_TIMEOUT = 366 * 86_400
# ASCII digits only: `int` and `float` would take any script's, underscores, and the words inf and nan.
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,4})?")
# What providers put into ids; a comma would be a second pair: --tier opus=a,sonnet=b.
_MODEL = re.compile(r"[\w.:/@+=~\[\]-]{1,200}", re.ASCII)


def check_options(given: Mapping[str, object]) -> Options:
    """The options of a run, from what was given by name; `tier` is another name of `tiers`. The workspace is resolved.

    Raises:
        ConductUsageError: a name that is no option, or a value that cannot be, in one line.
    """
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = "tiers" if key == "tier" else key
        if name in values:
            raise ConductUsageError("Give tier or tiers, not both.")
        values[name] = value if name == "guide" else check_option(name, value)
    values["workspace"] = check_workspace(values.get("workspace"))
    values["guide"] = _guide("guide", values.get("guide"), values["workspace"])
    return Options(**values)


def check_option(name: str, value: object) -> object:
    """One option's value in the form that `Options` holds; text is read as on the cell's line.

    Raises:
        ConductUsageError: there is no such option, or it cannot have this value.
    """
    check = _CHECKS.get(name)
    if check is None:
        known = [option.name for option in fields(Options)]
        raise ConductUsageError(
            f"There is no option {shown(name)}.{did_you_mean(name, known)} Options: {', '.join(known)}."
        )
    return check(name, value)


def _refused(name: str, allowed: str, value: object, hint: str = "") -> ConductUsageError:
    return ConductUsageError(f"{name} must be {allowed}, not {shown(value)}.{hint}")


def _workers(name: str, value: object) -> int:
    allowed = f"a whole number from 1 to {_MOST_WORKERS}"
    if isinstance(value, str):
        number = int(value) if _WHOLE.fullmatch(value) else 0
    else:
        try:
            number = 0 if isinstance(value, bool) else index(cast("Any", value))
        except TypeError:
            number = 0
    if not 1 <= number <= _MOST_WORKERS:
        raise _refused(name, allowed, value)
    return number


def _budget(name: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    number = _positive(value)
    if number is None:
        bare = str(value).strip("$€ ").removesuffix("USD").removesuffix("usd").strip()
        hint = f" Write it without the currency: {bare}." if bare != str(value) and _NUMBER.fullmatch(bare) else ""
        raise _refused(name, "a number of US dollars above 0, or none", value, hint)
    return number


def _timeout(name: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    number = _positive(value)
    if number is None or number > _LONGEST_TIMEOUT:
        raise _refused(name, f"a number of seconds above 0 and at most {_LONGEST_TIMEOUT} (a year)", value)
    return number


def _window(name: str, value: object) -> int:
    number = _positive(value)
    if number is None or number != int(number) or not _LEAST_WINDOW <= number <= _MOST_WINDOW:
        raise _refused(name, f"a whole number of tokens from {_LEAST_WINDOW} to {_MOST_WINDOW}", value)
    return int(number)


def _positive(value: object) -> float | None:
    """The finite number above 0 that a value is, or None."""
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        return None
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _one_of(known: tuple[str, ...]) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise _refused(name, listed(known), value, did_you_mean(str(value), known))
        return value

    return check


def _guide(name: str, value: object, workspace: Path | None = None) -> str | None:
    """The guide's name; a person's own are looked for in the workspace, else in the current folder."""
    if value is None:
        return None
    from conductor_magic.guides import find_guides

    guides = find_guides(workspace or Path.cwd())
    names = guides.names
    if not isinstance(value, str) or value not in names:
        # A damaged guide of that name is what was meant.
        found = [fault for fault in guides.faults if isinstance(value, str) and f"{value}.md" in fault]
        hint = f" {found[0]}" if found else did_you_mean(str(value), names)
        raise _refused(name, f"one of {listed(names)}", value, hint)
    return value


def _tiers(name: str, value: object) -> dict[str, str]:
    """From a mapping, or from texts of the form TIER=MODEL."""
    if isinstance(value, Mapping):
        pairs = list(cast("Mapping[object, object]", value).items())
    else:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, Iterable):
            raise _refused("tier", "TIER=MODEL, a tier and a model id", value)
        pairs: list[tuple[object, object]] = []
        for text in cast("Iterable[object]", texts):
            tier, equals, model = text.partition("=") if isinstance(text, str) else ("", "", "")
            if not equals:
                raise _refused("tier", "TIER=MODEL, a tier and a model id", text)
            pairs.append((tier.strip(), model.strip()))
    tiers: dict[str, str] = {}
    for tier, model in pairs:
        if not isinstance(tier, str) or tier not in TIERS:
            raise _refused("a tier", listed(TIERS), tier, did_you_mean(str(tier), TIERS))
        if not isinstance(model, str) or not _MODEL.fullmatch(model):
            raise _refused(f"the model of tier {tier}", "a model id", model)
        if tier in tiers:
            raise ConductUsageError(f"tier {tier} was given two models: {shown(tiers[tier])} and {shown(model)}.")
        tiers[tier] = model
    return tiers


def _cap(name: str, value: object) -> dict[str, float | None]:
    """From a mapping, or from texts of the form SCOPE.UNIT=N."""
    form = "SCOPE.UNIT=N, as in worker.usd=0.10"
    if isinstance(value, Mapping):
        pairs = list(cast("Mapping[object, object]", value).items())
    else:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, Iterable):
            raise _refused("a cap", form, value)
        pairs: list[tuple[object, object]] = []
        for text in cast("Iterable[object]", texts):
            key, equals, number = text.partition("=") if isinstance(text, str) else ("", "", "")
            if not equals:
                raise _refused("a cap", form, text)
            pairs.append((key.strip(), number.strip()))
    caps: dict[str, float | None] = {}
    for key, number in pairs:
        scope, _, unit = key.partition(".") if isinstance(key, str) else ("", "", "")
        if key in _INSTEAD:
            raise ConductUsageError(f"{key} is what {_INSTEAD[str(key)]} sets: use that.")
        if scope not in CAP_SCOPES:
            raise _refused("the scope of a cap", listed(CAP_SCOPES), scope or key, did_you_mean(scope, CAP_SCOPES))
        if unit not in CAP_UNITS:
            raise _refused(f"the unit of a cap of {scope}", listed(CAP_UNITS), unit, did_you_mean(unit, CAP_UNITS))
        found = _cap_number(f"{scope}.{unit}", unit, number)
        if key in caps and caps[str(key)] != found:
            raise ConductUsageError(f"{key} was given twice, with different values.")
        caps[str(key)] = found
    return caps


_INSTEAD = {"run.usd": "--budget", "run.seconds": "--timeout"}


def _cap_number(name: str, unit: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.lower() == "none"):
        return None
    number = _positive(value)
    if number is None or (unit not in ("usd", "seconds") and not number.is_integer()):
        kind = "a number" if unit in ("usd", "seconds") else "a whole number"
        raise _refused(name, f"{kind} above 0, or none", value)
    if unit == "seconds" and number > _LONGEST_TIMEOUT:
        raise _refused(name, f"at most {_LONGEST_TIMEOUT} seconds (a year)", value)
    return number


def _use(name: str, value: object) -> tuple[str, ...]:
    """From names, or from texts with commas between names; a name given twice counts once."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Iterable):
        raise _refused(name, "names of variables in the notebook", value)
    parts: list[object] = []
    for text in cast("Iterable[object]", texts):
        parts += [part.strip() for part in text.split(",")] if isinstance(text, str) else [text]
    for part in parts:
        if not isinstance(part, str) or not part.isidentifier():
            hint = " Put the value in a variable first." if isinstance(part, str) and part else ""
            raise _refused(name, "names of variables in the notebook, with commas between them", part, hint)
    return tuple(dict.fromkeys(cast("list[str]", parts)))


def _text(name: str, value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise _refused(name, "a name or an expression in the notebook, as text", value)
    return value


def _switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refused(name, "True or False", value)
    return value


def _folder(name: str, value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip() or "\0" in str(value):
        raise _refused(name, "an existing folder", value)
    return Path(cast("str | os.PathLike[str]", value))


def check_workspace(folder: Path | None) -> Path:
    """The folder that workers may touch, absolute and with links resolved; None means where the kernel is now.

    Raises:
        ConductUsageError: there is no such folder, or it is too much to hand over.
    """
    asks = "Give workers a folder of their own with --workspace DIR."
    try:
        real = (Path.cwd() if folder is None else folder.expanduser()).resolve(strict=True)
        is_folder, is_file = real.is_dir(), real.is_file()
    except (OSError, RuntimeError):  # also of a name that is too long to be one
        real, is_folder, is_file = folder or Path(), False, False
    if not is_folder:
        if folder is None:
            raise ConductUsageError(f"The folder that the kernel started in no longer exists. {asks}")
        what = "is a file" if is_file else "does not exist"
        raise ConductUsageError(f"workspace must be an existing folder; {shown(str(folder))} {what}.")
    data = data_folder().resolve()
    if real == Path(real.anchor):
        trouble = "is the whole file system"
    elif real in _homes():
        trouble = "is your home folder"
    elif data.is_relative_to(real):
        trouble = f"holds {data}, where runs are recorded"
    elif real.is_relative_to(runs_folder().resolve()):
        trouble = "lies where runs are recorded"
    else:
        return real
    raise ConductUsageError(f"The workspace {shown(str(real))} {trouble}. {asks}")


def _homes() -> set[Path]:
    """The home folder by the environment and by the system's user list; they may differ."""
    homes: set[Path] = set()
    for name in ("~", f"~{os.environ.get('USER', '')}"):
        try:
            homes.add(Path(name).expanduser().resolve())
        except (OSError, RuntimeError):
            continue  # this account has none
    return homes


_CHECKS: Mapping[str, Callable[[str, object], object]] = {
    "name": _text,
    "workers": _workers,
    "use": _use,
    "returns": _text,
    "mode": _one_of(MODES),
    "budget": _budget,
    "timeout": _timeout,
    "window": _window,
    "cap": _cap,
    "guide": _guide,
    "tiers": _tiers,
    "workspace": _folder,
    "strategy": _one_of(STRATEGIES),
    "provider": _one_of(PROVIDERS),
    "answers": _text,
    "background": _switch,
    "quiet": _switch,
}
