"""Putting a file in place: whole or not at all, and only over what it was made from, whatever others do meanwhile."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from conductor_magic import placing
from conductor_magic.paths import Reach
from conductor_magic.placing import Overtaken, place

ROUNDS = 300


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    return Reach(Path(os.path.realpath(tmp_path)))


def put(reach: Reach, name: str, content: bytes, before: bytes | None) -> None:
    """Place a file, and close the one that it replaced."""
    with reach.target(name) as target:
        former = place(target, content, before)
    if former is not None:
        os.close(former)


def test_a_file_is_made_or_replaced_with_its_permissions(reach: Reach) -> None:
    """Nothing is left beside it, and the descriptor that comes back is that of the old file."""
    put(reach, "f", b"one", None)
    path = reach.workspace / "f"
    path.chmod(0o640)
    with reach.target("f") as target:
        former = place(target, b"two", b"one")
    assert former is not None and os.pread(former, 10, 0) == b"one"
    os.close(former)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o640)
    assert list(reach.workspace.iterdir()) == [path]


@pytest.mark.parametrize(("there", "before"), [(b"other", b"one"), (b"other", None), (None, b"one")])
def test_a_file_that_is_another_by_now_is_left_as_it_is(
    reach: Reach, there: bytes | None, before: bytes | None
) -> None:
    """Changed, made, or removed meanwhile: told with what is there, and no temporary file stays."""
    if there is not None:
        (reach.workspace / "f").write_bytes(there)
    with pytest.raises(Overtaken) as raised:
        put(reach, "f", b"mine", before)
    assert raised.value.now == there
    assert {path.name: path.read_bytes() for path in reach.workspace.iterdir()} == ({"f": there} if there else {})


def _count(folder: Path, barrier: object) -> None:
    reach = Reach(folder)
    barrier.wait()  # type: ignore[attr-defined]
    for _ in range(ROUNDS):
        while True:
            before = (folder / "n").read_bytes()
            try:
                put(reach, "n", str(int(before) + 1).encode(), before)
                break
            except Overtaken:
                continue


def test_two_processes_that_count_in_one_file_lose_no_count(reach: Reach) -> None:
    """The comparison and the replacement are one step: read, add one, place, again if overtaken."""
    (reach.workspace / "n").write_bytes(b"0")
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    counters = [context.Process(target=_count, args=(reach.workspace, barrier)) for _ in range(2)]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join(120)
        assert counter.exitcode == 0
    assert (reach.workspace / "n").read_bytes() == str(2 * ROUNDS).encode()


def test_without_the_swap_it_is_compared_right_before(reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no such rename, a plain one does it, and a new name is still never taken from another."""
    monkeypatch.setattr(placing, "_renamed", lambda *_: False)
    put(reach, "f", b"one", None)
    put(reach, "f", b"two", b"one")
    assert (reach.workspace / "f").read_bytes() == b"two"
    for before in (None, b"one"):
        with pytest.raises(Overtaken):
            put(reach, "f", b"mine", before)
    assert list(reach.workspace.iterdir()) == [reach.workspace / "f"]
