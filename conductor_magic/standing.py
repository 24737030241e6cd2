"""The person's standing rules: what every run may, or may not, touch without asking. Kept in their own configuration.

They live beside the runs, in the data folder that no worker can reach. A rule answers what would otherwise be asked,
or forbids; it never raises a mode. A file that cannot be understood stops the run: passing over a `deny` would weaken
what the person has set up.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from conductor_magic.errors import ConductUsageError, ToolError
from conductor_magic.paths import can_be_named
from conductor_magic.permissions import SEARCH, Rule, visible
from conductor_magic.settings import data_folder
from conductor_magic.web.addresses import site_name
from conductor_magic.wording import did_you_mean, listed, shown

__all__ = ["SCOPES", "add_rule", "denied_paths", "remove_rule", "rules_file", "standing_rules", "typed_rule"]

SCOPES = ("site", "path", "command")


def rules_file() -> Path:
    """Where the rules are kept: a JSON list of `{"decision", "scope", "what"}`."""
    return data_folder() / "permissions.json"


def standing_rules() -> tuple[Rule, ...]:
    """The rules as they stand, in the order in which they were made.

    Raises:
        ConductUsageError: the file cannot be read or understood; says where and what.
    """
    path = rules_file()
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(found, list):
        raise _unreadable(path, "it is no list")
    rules: list[Rule] = []
    for number, entry in enumerate(cast("list[Any]", found), 1):
        given = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        decision, scope, what = (given.get(name) for name in ("decision", "scope", "what"))
        if decision not in ("allow", "deny") or scope not in SCOPES or not isinstance(what, str) or not what:
            raise _unreadable(path, f"entry {number} is no rule")
        if scope == "site":
            # A host in a spelling that no URL comes to have would never match.
            try:
                what = _site(what)
            except ConductUsageError as error:
                raise _unreadable(path, f"entry {number}: {error}".removesuffix(".")) from None
        rules.append(Rule(decision, scope, what))
    return tuple(rules)


def denied_paths(rules: Iterable[Rule]) -> tuple[Path, ...]:
    """The files and folders that rules forbid, which search tools leave out and walls cover."""
    return tuple(Path(rule.what) for rule in rules if (rule.decision, rule.scope) == ("deny", "path"))


def typed_rule(decision: str, scope: str, what: str) -> Rule:
    """A rule from what a person typed: a host is put in its one spelling, a path made absolute with links resolved.

    Raises:
        ConductUsageError: the scope is unknown, or the text is no host or no path.
    """
    if scope not in SCOPES:
        raise ConductUsageError(f"The scope must be {listed(SCOPES)}, not {shown(scope)}.{did_you_mean(scope, SCOPES)}")
    if scope == "site":
        what = _site(what)
    elif scope == "path":
        what = _path(what)
    assert decision in ("allow", "deny")
    return Rule(decision, scope, what)  # type: ignore[arg-type]


def add_rule(rule: Rule) -> Rule | None:
    """Keep a rule; one that said the opposite of the same thing is replaced, and returned.

    Raises:
        ConductUsageError: the rules cannot be read or kept.
    """
    rules = standing_rules()
    same = [old for old in rules if (old.scope, old.what) == (rule.scope, rule.what)]
    _keep([*(old for old in rules if old not in same), rule])
    return next((old for old in same if old.decision != rule.decision), None)


def remove_rule(scope: str, what: str) -> Rule:
    """Forget the rule about one thing.

    Raises:
        ConductUsageError: there is none; names those there are.
    """
    rules = standing_rules()
    # As it is listed, whatever it is; else as it would be kept.
    if (scope, what) not in [(old.scope, old.what) for old in rules]:
        what = typed_rule("allow", scope, what).what
    found = next((old for old in rules if (old.scope, old.what) == (scope, what)), None)
    if found is None:
        known = visible("; ".join(map(str, rules))) or "none"
        raise ConductUsageError(f"There is no rule about {scope} {shown(what)}. Rules: {known}.")
    _keep([old for old in rules if old is not found])
    return found


def _site(text: str) -> str:
    """A host as the gate names it, or what stands for any site or for searching."""
    if text.strip() in ("*", SEARCH):
        return text.strip()
    try:
        return site_name(text)
    except ToolError:
        raise ConductUsageError(
            f"A site is a host's name, as example.org, an IP address, {SEARCH}, or * for any, not {shown(text)}."
        ) from None


def _path(text: str) -> str:
    """An absolute path, links resolved. It names one thing: a pattern that was kept would match nothing."""
    if not text.strip():
        raise ConductUsageError("The path is empty. Give a file, or a folder with all in it.")
    if not can_be_named(text):
        raise ConductUsageError(f"No file can have the name {shown(text)}: it holds a NUL or half a character.")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ConductUsageError(f"There is no user whose home {shown(text)} begins with.") from None
    if any(char in text for char in "*?[") and not os.path.lexists(path):
        raise ConductUsageError(f"{shown(text)} is a pattern. A path is one file, or a folder with all in it.")
    return os.path.realpath(path)


def _keep(rules: Iterable[Rule]) -> None:
    path = rules_file()
    entries = [{"decision": rule.decision, "scope": rule.scope, "what": rule.what} for rule in rules]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whole or not at all: half a file of rules would stop every run. The file is private from its beginning.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".permissions-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1)
        Path(name).replace(path)
    except OSError as error:
        raise ConductUsageError(f"The rules cannot be kept in {path} ({error.strerror or error}).") from None


def _unreadable(path: Path, why: str) -> ConductUsageError:
    return ConductUsageError(
        f"The standing rules in {path} cannot be used ({why}). Mend the file, or remove it to have no rules."
    )
