"""The pure verdict on what a worker's call is about to touch, and how it is shown to a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.permissions import SEARCH, Access, Rule, Verdict, verdict, visible

OUTSIDE = "lies outside the workspace /ws"
ACCESSES = {
    "read inside": Access("read", "/ws/a", "Read"),
    "read outside": Access("read", "/out/a", "Read", OUTSIDE),
    "write inside": Access("write", "/ws/a", "Write"),
    "write protected": Access("write", "/ws/.env", "Write", "has the protected name `.env`", protected=True),
    "command": Access("command", "ls", "Bash"),
    "site": Access("site", "example.org", "WebFetch"),
    "search": Access("search", "bats of Bremen", "WebSearch"),
}
BY_MODE = {
    "plan": ("deny", "deny", "deny", "deny", "deny", "deny", "deny"),
    "read-only": ("allow", "deny", "deny", "deny", "allow", "ask", "ask"),
    "ask": ("allow", "ask", "ask", "ask", "ask", "ask", "ask"),
    "workspace": ("allow", "ask", "allow", "ask", "allow", "ask", "ask"),
    "full": ("allow", "allow", "allow", "allow", "allow", "allow", "allow"),
}


def _exactly(decision: str, access: Access) -> Rule:
    """A rule about just this access."""
    scope = {"read": "path", "write": "path", "search": "site"}.get(access.kind, access.kind)
    return Rule(decision, scope, SEARCH if access.kind == "search" else access.what)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", BY_MODE)
def test_each_mode_decides_as_its_row_says(mode: str) -> None:
    """The table of the modes: what is free, what is asked, what is refused."""
    found = tuple(verdict(access, mode, ()).decision for access in ACCESSES.values())
    assert found == BY_MODE[mode]


@pytest.mark.parametrize("mode", BY_MODE)
@pytest.mark.parametrize("name", ACCESSES)
def test_a_standing_allow_never_turns_a_refusal_into_a_yes(mode: str, name: str) -> None:
    """A rule for exactly this thing answers a question; what the mode refuses stays refused."""
    access = ACCESSES[name]
    rule = _exactly("allow", access)
    before, after = verdict(access, mode, ()), verdict(access, mode, [rule])
    expected = {"ask": Verdict("allow", str(rule), "configuration")}
    assert after == expected.get(before.decision, before)


@pytest.mark.parametrize("mode", BY_MODE)
@pytest.mark.parametrize("name", ACCESSES)
def test_a_deny_holds_in_every_mode_and_before_every_allow(mode: str, name: str) -> None:
    """Deny goes before ask and allow, whatever their order in the configuration."""
    access = ACCESSES[name]
    rules = [_exactly("allow", access), _exactly("deny", access)]
    assert verdict(access, mode, rules).decision == "deny"
    assert verdict(access, mode, reversed(rules)).decision == "deny"


@pytest.mark.parametrize(
    ("rule", "access", "covers"),
    [
        (Rule("allow", "site", "example.org"), Access("site", "example.org", "WebFetch"), True),
        (Rule("allow", "site", "example.org"), Access("site", "docs.example.org", "WebFetch"), True),
        (Rule("allow", "site", "example.org"), Access("site", "badexample.org", "WebFetch"), False),
        (Rule("allow", "site", "example.org"), Access("site", "example.org.evil.test", "WebFetch"), False),
        (Rule("allow", "site", "*"), Access("site", "anything.test", "WebFetch"), True),
        (Rule("allow", "site", "example.org", "grant"), Access("site", "example.org", "WebFetch"), True),
        (Rule("allow", "site", "example.org", "grant"), Access("site", "docs.example.org", "WebFetch"), False),
        (Rule("allow", "site", "*"), Access("search", "anything", "WebSearch"), True),
        (Rule("allow", "site", SEARCH, "grant"), Access("search", "anything", "WebSearch"), True),
        (Rule("allow", "site", SEARCH, "grant"), Access("site", "anything.test", "WebFetch"), False),
        (Rule("allow", "site", "example.org"), Access("search", "example.org", "WebSearch"), False),
        (Rule("allow", "path", "/data"), Access("read", "/data/x", "Read", OUTSIDE), True),
        (Rule("allow", "path", "/data"), Access("read", "/data-evil/x", "Read", OUTSIDE), False),
        (Rule("allow", "path", "/data"), Access("write", "/data/.env", "Write", OUTSIDE, protected=True), False),
        (Rule("allow", "path", "/data/.env"), Access("write", "/data/.env", "Write", OUTSIDE, protected=True), True),
        (Rule("deny", "path", "/data"), Access("write", "/data/.env", "Write", OUTSIDE, protected=True), True),
        (Rule("allow", "path", "/data", "grant"), Access("read", "/data/x", "Read", OUTSIDE), False),
        (Rule("allow", "command", "git status"), Access("command", "git status", "Bash"), True),
        (Rule("allow", "command", "git status"), Access("command", "git status ", "Bash"), False),
        (Rule("allow", "command", "git status"), Access("command", "git status && rm -rf src", "Bash"), False),
        (Rule("allow", "command", "ls"), Access("site", "ls", "WebFetch"), False),
        (
            Rule("allow", "command", "./run.sh", "grant", {"/ws/run.sh": "aa"}),
            Access("command", "./run.sh", "Bash", bound={"/ws/run.sh": "aa"}),
            True,
        ),
        (
            Rule("allow", "command", "./run.sh", "grant", {"/ws/run.sh": "aa"}),
            Access("command", "./run.sh", "Bash", bound={"/ws/run.sh": "bb"}),
            False,
        ),
    ],
)
def test_a_rule_covers_exactly_what_it_names(rule: Rule, access: Access, covers: bool) -> None:
    """Hosts by their labels, folders by their parts, commands and grants to the letter and the script's content."""
    assert rule.covers(access) is covers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rm -rf \u200bsrc", "rm -rf \\u200bsrc"),
        ("a\tb\rc\x1b[2Jd\0", "a\\tb\\rc\\e[2Jd\\0"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("right\u202eleft", "right\\u202eleft"),
        ("no-break\u00a0blank", "no-break\\xa0blank"),
        ("filler\u3164", "filler\\u3164"),
        ("é naïve 日本語 ✓\nnext line", "é naïve 日本語 ✓\nnext line"),
    ],
)
def test_nothing_hides_in_what_a_person_is_asked(text: str, shown: str) -> None:
    """Every character without a glyph of its own is written out; letters and new lines stay as they are."""
    assert visible(text) == shown


@given(st.text())
def test_what_is_shown_is_printable(text: str) -> None:
    """Whatever comes in, every line of what is shown can be printed, and can be written as UTF-8."""
    shown = visible(text)
    shown.encode()
    assert all(line.isprintable() for line in shown.split("\n"))
