"""The verdicts that we keep: where a row leaves the choice, and where a row and the project's contract differ.

`EITHER` has every public row that allows one of two endings; `CONTRACT` those where the contract says something else
than the row, or says it by another name. The tests hold the project to what stands here.
"""

from __future__ import annotations

__all__ = ["CONTRACT", "EITHER"]

EITHER: dict[str, str] = {
    "P-BSH-001": "A read mask: what lies outside does not exist in the walls, nothing is asked. A file tool asks.",
    "P-ANS-006": "Stripped: WebFetch takes out what no reader of the page would see. In a question it is made visible.",
    "P-ANS-007": "Replaced: half a character, which no UTF-8 can hold, is recorded as a question mark.",
    "P-MAG-014": "Refused, with the run that owns the workspace; nothing is queued behind a person's back.",
    "P-JNL-006": (
        "Refuses: an inserted record breaks the gap-free numbers. With numbers that fit it is a kind that nobody knows "
        "and changes nothing; and whatever mode a record names, a resumption has no wider one than the default, unless "
        "it is said again."
    ),
    "P-JNL-013": "Refuses: money and tokens below zero are no event, so the journal is damaged at that record.",
    "P-JNL-014": "Refuses: a task that waits for itself does not fold; the record is named.",
    "P-STR-005": "Fails the task or goes on with less; the same request is not sent again.",
    "P-STR-010": "Asks again for the rest; a call that was cut is never run.",
    "P-STR-019": "Asks again: a stream that stops for a tool without naming one is broken, and is retried as such.",
    "P-STR-024": "Fails: a run without a task has status failed, whatever the conductor said.",
}
"""Row -> which of its two endings we keep, and why."""

CONTRACT: dict[str, str] = {
    "P-MAG-007": (
        "Resuming is `%conduct resume RUN`; the cell has no option `--resume`, so the line is an unknown option, told."
    ),
    "P-MAG-013": (
        "Without a key the provider `auto` is a rehearsal, which the board says in plain words with what to set. "
        "`--provider anthropic` without a key is the row's usage error and names ANTHROPIC_API_KEY."
    ),
    "P-SEC-008": "Not even the last four characters: the key is `[redacted]` wherever a server throws it back at us.",
    "P-APR-007": (
        "At a terminal's prompt the empty line takes the first option, which is No. The board does not take an empty "
        "answer: the question goes on waiting, and nothing runs."
    ),
    "P-IRN-004": "A worker has no TaskCreate at all, with or without the `description` that the contract asks for.",
    "P-IRN-005": (
        "`tools` is no argument of TaskCreate: the call is rejected. The event is `task.rejected`, as an id is used up."
    ),
    "P-IRN-006": "The cycle is asked for with `addBlockedBy`, our name for the row's `blocked_by`.",
    "P-IRN-009": "The library's name is `conductor_magic`; a process that a worker started cannot begin a run.",
    "P-IRN-011": "TaskCreate needs a `description`; the row is played with one.",
    "P-INJ-005": (
        "A worker's words create no task. A conductor that is taken in by them creates what it asks for: "
        "seen on the board, at most `--workers` at once, ended by the budget."
    ),
    "P-HTM-022": "The live board renders Markdown, from text; static copies show it as written. Pictures never load.",
    "P-PTH-005": "Refused outright: no yes opens /proc, /sys, /dev or /run to a file tool.",
    "P-PTH-006": "Refused outright, as above; a device is never opened.",
    "P-PTH-016": "Refused outright: the record of a run is closed to its workers, whoever says yes.",
}
"""Row -> what the contract makes of it."""
