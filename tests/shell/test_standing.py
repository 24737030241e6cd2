"""Standing rules: what a person types becomes what the gate compares with, or one line that says why not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conductor_magic.commands import allow
from conductor_magic.errors import ConductUsageError
from conductor_magic.permissions import Access, Rule, verdict
from conductor_magic.standing import add_rule, remove_rule, rules_file, standing_rules, typed_rule
from conductor_magic.web.addresses import parse


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of their own, and a folder to stand in."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("straße.de", "https://straße.de/"),
        ("straße.de", "https://xn--strae-oqa.de/"),
        ("BÜCHER.example.", "http://bücher.example/"),
        ("ｅｘａｍｐｌｅ．org", "https://example.org/"),
        ("*.example.org", "https://docs.example.org/"),
        ("*.example.org", "https://example.org/"),
        ("example.org", "https://deep.docs.example.org/"),
        ("0x01010101", "http://1.1.1.1/"),
        ("1.1.1.1", "http://16843009/"),
        ("2606:4700::1111", "http://[2606:4700:0:0::1111]/"),
        ("[2606:4700::1111]", "http://[2606:4700::1111]/"),
        ("*", "https://anything.example/"),
    ],
)
def test_a_rule_for_a_host_meets_the_url_that_leads_there(typed: str, url: str) -> None:
    """Whatever the spelling of either: a deny cannot be walked around, an allow meets no other host."""
    rule = typed_rule("deny", "site", typed)
    assert verdict(Access("site", parse(url).host, "WebFetch"), "full", [rule]).decision == "deny"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("straße.de", "https://strasse.de/"),
        ("1.1", "http://1.2.1.1/"),
        ("1.1.1.1", "http://1.1.1.2/"),
        ("example.org", "https://badexample.org/"),
        ("docs.example.org", "https://example.org/"),
        ("web-search", "https://example.org/"),
    ],
)
def test_a_rule_for_a_host_meets_no_other(typed: str, url: str) -> None:
    """Addresses are met exactly, names by whole labels."""
    assert not typed_rule("allow", "site", typed).covers(Access("site", parse(url).host, "WebFetch"))


@pytest.mark.parametrize(
    "typed",
    ["", " ", "a\tb", "x.org\x1b[31m", "x.org/path", "http://x.org", "x.org:443", "u@x.org", "localhost", "a..b", "*.*",
     "docs.*.org", "1.2.3.4.5", "[::1", "fe80::1%eth0", "\ud800.org", "a\0.org", "%65xample.org"],
)  # fmt: skip
def test_what_is_no_host_is_one_line_and_nothing_is_kept(typed: str) -> None:
    """It would never match."""
    with pytest.raises(ConductUsageError, match="A site is a host's name, as") as caught:
        allow.run(None, ["site", typed])
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()
    assert standing_rules() == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "The path is empty."),
        (" ", "The path is empty."),
        ("~nouser/x", "There is no user whose home '~nouser/x' begins with."),
        ("a\0b", "No file can have the name"),
        ("\ud800x", "No file can have the name"),
        ("*.py", "'*.py' is a pattern. A path is one file, or a folder with all in it."),
        ("src/**", "is a pattern"),
        ("data?", "is a pattern"),
        ("[ab]", "is a pattern"),
    ],
)
def test_what_is_no_path_is_one_line_and_nothing_is_kept(typed: str, said: str) -> None:
    """Neither the current folder by mistake nor what would match nothing."""
    with pytest.raises(ConductUsageError) as caught:
        allow.run(None, ["path", typed])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()
    assert standing_rules() == ()


def test_a_file_may_be_named_like_a_pattern(tmp_path: Path) -> None:
    """What is there is meant."""
    Path("[id].tsx").touch()
    assert typed_rule("deny", "path", "[id].tsx").what == os.path.realpath(tmp_path / "here" / "[id].tsx")


def test_a_file_of_rules_speaks_of_hosts_in_any_spelling() -> None:
    """One that was written by hand is read as if it had been typed; what is no host stops the run."""
    add_rule(Rule("deny", "site", "x.example"))
    rules_file().write_text(json.dumps([{"decision": "deny", "scope": "site", "what": "*.Straße.de"}]))
    assert standing_rules() == (Rule("deny", "site", "xn--strae-oqa.de"),)
    rules_file().write_text(json.dumps([{"decision": "deny", "scope": "site", "what": "a\tb"}]))
    with pytest.raises(ConductUsageError, match="entry 1: A site is a host's name"):
        standing_rules()


def test_a_rule_is_forgotten_as_it_is_listed() -> None:
    """Also one that could not be made any more."""
    add_rule(Rule("deny", "path", "/data/*.py"))
    assert remove_rule("path", "/data/*.py") == Rule("deny", "path", "/data/*.py")
    assert standing_rules() == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("site example.org", "A name covers all hosts below it too, an IP address itself alone."),
        ("command sh run.sh", "It holds whatever the files that the command names say by then."),
    ],
)
def test_what_a_rule_covers_is_said(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads how far it goes when it is kept."""
    scope, _, what = typed.partition(" ")
    allow.run(None, [scope, what])
    assert said in capsys.readouterr().out.splitlines()
