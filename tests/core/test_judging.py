"""Whether a command destroyed what another task had changed: each rule by a history of one file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conductor_magic.differences import keeps
from conductor_magic.tools.judging import Loss, Version, find_loss
from conductor_magic.tools.versions import GONE_UNSEEN

BASE = "base\n"


def history(*steps: tuple[str, str]) -> tuple[list[Version], Callable[[Version], bytes]]:
    """Versions made of (tasks, content); the content stands for its hash."""
    versions = [Version(0, BASE)]
    versions += [
        Version(number, content, frozenset(tasks.split())) for number, (tasks, content) in enumerate(steps, start=1)
    ]
    return versions, lambda version: (version.sha or "").encode()


def loss_of(task: str, *steps: tuple[str, str], since: int = 0, known: int = 0, contested: bool = False) -> Loss | None:
    """The loss that a command of a task is found to have caused."""
    versions, content = history(*steps)
    return find_loss(
        versions,
        task,
        since,
        lambda version: version.number <= known,
        lambda base, theirs, mine: keeps(content(base), content(theirs), content(mine)),
        lambda version: contested,
    )


def test_what_was_made_from_the_old_version_destroys_the_new_one() -> None:
    """Task 2 wrote what it had read before task 1's change; both began from the same."""
    loss = loss_of("2", ("1", "base\none\n"), ("2", "base\ntwo\n"))
    assert loss is not None
    assert (loss.base.number, [v.number for v in loss.lost], loss.winner.number, loss.sure) == (0, [1], 2, True)


def test_what_the_destroyer_left_at_last_is_what_won() -> None:
    """It removed the file and then made it anew, or wrote it in several steps; a third did more."""
    loss = loss_of("2", ("1", "base\none\n"), ("2", ""), ("2", "base\ntwo\n"), ("3", "base\ntwo\nthree\n"))
    assert loss is not None
    assert ([v.number for v in loss.lost], loss.winner.number) == ([1], 3)


@pytest.mark.parametrize(
    ("steps", "options"),
    [
        ((("1", "base\none\n"), ("2", "base\none\ntwo\n")), {}),
        ((("1", "base\none\n"), ("2", "base\ntwo\n")), {"known": 1}),
        ((("2", "base\none\n"), ("2", "base\ntwo\n")), {}),
        ((("1", "base\none\n"), ("2", ""), ("2", "base\none\ntwo\n")), {}),
        ((("1", "base\none\n"), ("1", "base\n"), ("2", "base\ntwo\n")), {}),
        ((("1", "base\none\n"), ("3", "base\n"), ("2", "base\ntwo\n")), {}),
        ((("1", "base\none\n"), ("2", "base\ntwo\n")), {"since": 2}),
    ],
    ids=["on top", "it knew", "its own", "empty in between", "took it back", "another's doing", "an earlier command's"],
)
def test_what_is_no_loss(steps: tuple[tuple[str, str], ...], options: dict[str, int]) -> None:
    """Kept, known, one's own, restored, withdrawn by its maker, destroyed by somebody else, or long before."""
    assert loss_of("2", *steps, **options) is None


def test_a_change_by_a_command_that_may_be_anothers_is_suspected() -> None:
    """Where both ran, either may have made the first version; it is told as uncertain, and only once."""
    loss = loss_of("2", ("1 2", "base\none\n"), ("2", "base\ntwo\n"))
    assert loss is not None and not loss.sure
    loss.lost[0].told = True
    versions, content = history(("1 2", "base\none\n"), ("2", "base\ntwo\n"))
    versions[1].told = True
    again = find_loss(
        versions, "2", 0, lambda v: v.number == 0, lambda *v: keeps(*map(content, v)), lambda version: False
    )
    assert again is None


def test_a_version_that_nobody_could_read_counts_where_several_are_at_the_file() -> None:
    """One script that writes twice in a row is no conflict; two commands that name the file may be one."""
    steps = (("1 2", GONE_UNSEEN), ("1 2", "base\ntwo\n"))
    assert loss_of("2", *steps) is None
    loss = loss_of("2", *steps, contested=True)
    assert loss is not None and [version.sha for version in loss.lost] == [GONE_UNSEEN]


def test_a_step_after_an_unseen_one_still_answers_for_what_was_before() -> None:
    """The version before the unseen one is compared with, not skipped."""
    loss = loss_of("2", ("1", "base\none\n"), ("1 2", GONE_UNSEEN), ("2", "base\ntwo\n"))
    assert loss is not None and 1 in [version.number for version in loss.lost]


def test_the_differences_begin_where_the_two_parted() -> None:
    """What both kept of a third one's change is not shown as theirs."""
    loss = loss_of("2", ("3", "base\nthree\n"), ("1", "base\nthree\none\n"), ("2", "base\nthree\ntwo\n"))
    assert loss is not None and loss.base.number == 1
