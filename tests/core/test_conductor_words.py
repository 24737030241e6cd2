"""What the conductor's prompt has to say: each part is there, under its heading, and nothing that the board shows."""

from __future__ import annotations

import re

import pytest

from conductor_magic.prompts import CONDUCTOR, STRATEGIES
from conductor_magic.tools.conductor import DEFINITIONS

SAYS = {
    "": """
        conductor of a trading floor
    """,
    "THE IRON LAW": """
        do not write code, run commands or explore
        no tools for it
        coordinate, delegate and put
        guides and workers' outputs freely
        at most two small workspace files
        three or more, delegate
        is data
    """,
    "THE LOOP": """
        If a guide fits
        Ask only if
        TaskCreate every task
        tier, reason
        Task every one
        queues
        one at a time what could run side by side
        End your turn
        woken when
        Do not look in between
        Repair what failed
        Read the outputs that the answer rests on
        Between calls say nothing
    """,
    "PLANNING": """
        independent reads, searches, tasks
        what needs another's result
        steps in sequence
        same file
        One file, or two or three related ones: one worker
        Unrelated files: one worker each
        Five or more: split
        lookup takes 1-2 workers, a many-sided question 2-3, a feature 4 and more
        never a quota
        delegation multiplies cost
        earn its place
        In doubt, one fewer
    """,
    "PROMPTS": """
        knows only its prompt
        vague
        context:
        scope:
        constraints:
        files or variables
        return:
    """,
    "TIERS": """
        every task names its tier and the reason
        haiku: fetch, search, list
        five to ten at once
        sonnet (default): well-specified building, tests, docs
        opus: ambiguity, architecture, security, hard debug
        reviews
        merging conflicts
        synthesis
    """,
    "ASKING": """
        scope is open, several ways are valid, or something is hard to undo
        not when the request is clear
        1-4 questions in one call, 2-4 options each
        recommended one first
        "(Recommended)"
        gains and what it costs
        multiSelect
        before you ask, in the same turn
    """,
    "FAILURES": """
        timed out, or at a limit: a smaller scope, or a different tier
        incomplete: keep what is there
        follow-up task
        wrong approach: Task again, with the error and clearer guidance
        blocked: look at the block
        what waits for it stays
        one merge task on opus that is shown both versions, or the person decides
        (haiku, sonnet, opus) only on evidence, named in `reason`
        two failed retries of a task, ask the person
        Partial success is a result: say what is done and what is not
    """,
    "SPEAKING": """
        Lead with the conclusion
        by theme, not by worker
        one voice
        No machinery
        looking into it
        person's mood
        under 30 s just the result
        up to 5 min
        phases and milestones
        deserves a small moment
        No status line or signature: the board draws them
        Figures only as
        what was not done
    """,
}
"""Phrases that stand below each heading, one a line."""


def sections() -> dict[str, str]:
    """The prompt by its headings."""
    parts = re.split(r"^([A-Z ]{5,})(?: - (.*))?$", CONDUCTOR, flags=re.MULTILINE)
    heads = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {"": parts[0], **{head.strip(): f"{rest or ''}{body}" for head, rest, body in heads}}


@pytest.mark.parametrize("heading", SAYS)
def test_each_part_says_what_belongs_to_it(heading: str) -> None:
    """Under its own heading."""
    phrases = [line.strip() for line in SAYS[heading].splitlines() if line.strip()]
    missing = [phrase for phrase in phrases if phrase not in sections()[heading]]
    assert not missing


def test_there_are_no_other_parts_and_nothing_is_said_twice() -> None:
    """A part that is added here is one that every request pays for."""
    assert list(sections()) == list(SAYS)
    sentences = [part.strip() for part in re.split(r"(?<=[.:;])\s", CONDUCTOR) if len(part) > 30]
    assert len(sentences) == len(set(sentences))


def test_it_names_only_tools_and_fields_that_there_are() -> None:
    """What it calls by name, the requests carry."""
    names = {tool["name"] for tool in DEFINITIONS}
    assert set(re.findall(r"\b(?:Task[A-Z]\w+|AskUser\w+)\b", CONDUCTOR)) <= names
    fields = {field for tool in DEFINITIONS for field in tool["input_schema"]["properties"]}
    assert set(re.findall(r"`(\w+)`", CONDUCTOR)) <= fields
    assert set(STRATEGIES) == {"speed", "cost"}
