"""What a worker's call needs a yes for. Pure: a mode, standing rules and grants in, a verdict out.

A call says what it is about to touch as an `Access`; nothing here looks at the text of a command to find out what it
would do. Deny goes before ask, ask before allow: a standing `deny` holds in every mode, a standing `allow` or a grant
only answers what would otherwise be asked, and neither raises a mode.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["SEARCH", "Access", "Rule", "Verdict", "verdict", "visible"]

Kind = Literal["read", "write", "command", "site", "search"]
Decision = Literal["allow", "ask", "deny"]
SEARCH = "web-search"
"""The site by which rules and grants mean searching the web; no host can be named so, as it has no dot."""


@dataclass(frozen=True, slots=True)
class Access:
    """One thing that a call is about to do.

    Attributes:
        kind: `read` or `write` a file, run a `command`, reach a `site`, `search` the web.
        what: the absolute path with links resolved, the exact command (or code), the host, or what is searched for.
        tool: the tool that does it.
        leaves: why it needs a yes although its kind is free in this mode: it lies outside the workspace, or has a
            protected name. Empty for what is plainly inside.
        protected: it has a protected name: no rule for a whole folder allows it, only one for exactly this path.
        bound: path -> sha256 of the workspace's files that the command names; a grant holds only while they are so.
    """

    kind: Kind
    what: str
    tool: str
    leaves: str = ""
    protected: bool = False
    bound: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Rule:
    """A standing rule of the person's own configuration, or a grant of this run.

    Attributes:
        decision: `allow` or `deny`.
        scope: `site` (a host and what lies below it, for a grant the host alone; `*` for any; `SEARCH` for any search),
            `path` (a file, or a folder with all in it) or `command` (exact).
        what: the host, the absolute path, or the command.
        source: who said so, for the record: `configuration` or `grant`.
        bound: for a grant of a command, the files that it was given for; see `Access.bound`.
    """

    decision: Literal["allow", "deny"]
    scope: Literal["site", "path", "command"]
    what: str
    source: str = "configuration"
    bound: Mapping[str, str] = field(default_factory=dict[str, str])

    def covers(self, access: Access) -> bool:
        """Whether the rule speaks of this access."""
        match self.scope:
            case "site" if access.kind == "search":
                return self.what in ("*", SEARCH)
            case "site":
                # A grant is for one host. What lies below a name can only be ruled on in the configuration.
                below = self.source != "grant" and _below_host(access.what, self.what)
                return access.kind == "site" and (access.what == self.what or below)
            case "path":
                # A grant is for one file. A folder can only be ruled on in the configuration.
                exact = access.what == self.what
                inside = self.source != "grant" and access.what.startswith(self.what.rstrip("/") + "/")
                if self.decision == "allow" and access.protected:
                    inside = False
                return access.kind in ("read", "write") and (exact or inside)
            case "command":
                same = access.kind == "command" and access.what == self.what
                return same and (self.source != "grant" or dict(self.bound) == dict(access.bound))

    def __str__(self) -> str:
        return f"{self.decision} {self.scope} {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to an access, and the rule that says so: a standing rule, a grant, or the mode."""

    decision: Decision
    rule: str
    source: str = "mode"


def verdict(access: Access, mode: str, rules: Iterable[Rule]) -> Verdict:
    """Decide on one access.

    Args:
        access: what a call is about to do.
        mode: the run's mode: `plan`, `read-only`, `ask`, `workspace` or `full`.
        rules: standing rules and this run's grants.
    """
    covering = [rule for rule in rules if rule.covers(access)]
    for rule in covering:
        if rule.decision == "deny":
            return Verdict("deny", str(rule), rule.source)
    by_mode = _by_mode(access, mode)
    if by_mode == "ask" and covering:
        return Verdict("allow", str(covering[0]), covering[0].source)
    return Verdict(by_mode, f"mode {mode}")


def _by_mode(access: Access, mode: str) -> Decision:
    if mode == "full":
        return "allow"
    if mode == "plan":
        return "deny"
    if access.kind in ("site", "search"):
        return "ask"
    if mode == "read-only":
        return "deny" if access.kind == "write" or access.leaves else "allow"
    if access.leaves:
        return "ask"
    return "ask" if mode == "ask" and access.kind in ("write", "command") else "allow"


def _below_host(host: str, rule: str) -> bool:
    return rule == "*" or host.endswith(f".{rule}")


def visible(text: str) -> str:
    """Text with every character shown: what has no glyph of its own, or would move others, becomes an escape.

    New lines and plain blanks stay; zero-width and direction marks, tag characters, other blanks, halves of characters
    and control codes do not hide.
    """
    return "".join(_escaped(char) if _is_hidden(char) else char for char in text)


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks without a glyph."""


def _is_hidden(char: str) -> bool:
    if char in (" ", "\n"):
        return False
    selector = 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF
    return selector or char in _FILLERS or unicodedata.category(char) in _UNSEEN


def _escaped(char: str) -> str:
    number = ord(char)
    short = {"\t": "\\t", "\r": "\\r", "\x1b": "\\e", "\0": "\\0"}.get(char)
    if short:
        return short
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
