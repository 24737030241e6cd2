"""How a worker's report says that its task is not done: wherever near its end it says so, and in what words."""

from __future__ import annotations

import pytest

from conductor_magic.prompts import parse_status

ALMOST = "I could not do all of it."
VALUE = '```json\n{"rows": [\n' + ",\n".join(f" {number}" for number in range(30)) + "\n]}\n```"

ENDS: dict[str, tuple[str, str]] = {
    "STATUS: incomplete - no disk": ("incomplete", "no disk"),
    "STATUS: blocked by the closed database": ("blocked", "by the closed database"),
    "**STATUS:** **incomplete** — no disk": ("incomplete", "no disk"),
    "`STATUS: blocked - no key`": ("blocked", "no key"),
    "Status: Incomplete: no disk": ("incomplete", "no disk"),
    "STATUS: failed - no disk": ("incomplete", "failed - no disk"),
    "STATUS: error - no disk": ("incomplete", "error - no disk"),
    "STATUS: partial - half": ("incomplete", "partial - half"),
    "STATUS: not done - no disk": ("incomplete", "not done - no disk"),
    "STATUS: in progress": ("incomplete", "in progress"),
    "STATUS: complete failure": ("incomplete", "complete failure"),
    "**Status:** failed - no disk": ("incomplete", "failed - no disk"),
}
AFTER = ["", "\n", "\r\n", "\n```", "\n\nThanks!", "\n- the second file\n- the third", f"\n{VALUE}"]


@pytest.mark.parametrize("after", AFTER, ids=repr)
@pytest.mark.parametrize("line", ENDS)
def test_a_status_that_is_not_done_is_heard(line: str, after: str) -> None:
    """Whatever the word, and whatever stands below it; the rest of the report is kept."""
    status, reason, body = parse_status(f"{ALMOST}\n{line}{after}")
    assert (status, reason) == ENDS[line]
    assert body == f"{ALMOST}{after}".strip().replace(f"{ALMOST}\n\n\n", f"{ALMOST}\n\n")


def test_what_is_missing_may_stand_below_it() -> None:
    """The lines after a bare status are its reason."""
    report = "Half.\nSTATUS: incomplete\n- the second file\n- the third"
    assert parse_status(report) == (
        "incomplete",
        "- the second file - the third",
        "Half.\n- the second file\n- the third",
    )


@pytest.mark.parametrize("fence", ["```", "~~~markdown"])
def test_a_status_in_a_fence_that_ends_the_report(fence: str) -> None:
    """Some set all they say in one."""
    assert parse_status(f"{fence}\nHalf.\nSTATUS: failed\n{fence[:3]}")[:2] == ("incomplete", "failed")


DONE = [
    "Rows: 3.",
    "Rows: 3.\nSTATUS: done",
    "Rows: 3.\n**STATUS:** done.\n\nThanks!",
    "Rows: 3.\nSTATUS: completed",
    "Rows: 3.\nStatus: complete - all of it",
    f"Rows: 3.\nSTATUS: done\n{VALUE}",
    "The log says\nSTATUS: failed - no disk\nat its end.\nSTATUS: done",
    "The log says\n```\nSTATUS: failed - no disk\n```\nand so it is.",
    "The log says\n> STATUS: failed\n- STATUS: failed\n    STATUS: failed\nand so it is.",
    "STATUS: failed - says the log\n" + "A line of what else it says.\n" * 12,
    "The service answers.\nStatus: 200\nStatus: all tests pass",
    "Status: failed tests are none.",
]


@pytest.mark.parametrize("report", DONE)
def test_what_is_done_stays_done(report: str) -> None:
    """A status that is quoted, an older one, and words of the report itself do not fail the task."""
    assert parse_status(report)[:2] == ("done", "")
