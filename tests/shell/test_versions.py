"""Contents of files are kept in memory, then on the disk, without leaving a file behind."""

from __future__ import annotations

import resource
from pathlib import Path

from conductor_magic.tools.versions import LARGEST_KEPT, Versions, digest


def put(versions: Versions, content: bytes, *, ours: bool = False) -> str:
    """Keep a content; its hash."""
    versions.put(digest(content), content, ours=ours)
    return digest(content)


def test_what_memory_has_no_room_for_goes_to_the_disk(tmp_path: Path) -> None:
    """The longest unused first, and all that is large; under no name that anybody could open, also while it is kept."""
    versions = Versions(tmp_path / "run", in_memory=250, on_disk=10 << 20)
    contents = [bytes([number]) * 100 for number in range(4)] + [b"x" * (2 << 20), b"x" * LARGEST_KEPT]
    kept = [put(versions, content) for content in contents[:5]]
    assert [versions.get(sha) for sha in kept] == contents[:5]
    assert versions.get(put(versions, contents[5])) is None
    assert versions.get(put(versions, contents[5], ours=True)) == contents[5]
    assert versions.get(put(versions, b"x" * (LARGEST_KEPT + 1), ours=True)) is None
    assert list((tmp_path / "run").iterdir()) == []
    versions.close()
    assert [versions.get(sha) for sha in kept] == [None] * 5


def test_what_tools_wrote_stays_whatever_commands_make(tmp_path: Path) -> None:
    """Its place is not taken by what comes later."""
    versions = Versions(tmp_path, in_memory=250, on_disk=200)
    ours = put(versions, b"ours" * 25, ours=True)
    others = [put(versions, bytes([number]) * 100) for number in range(9)]
    assert versions.get(ours) == b"ours" * 25
    assert [versions.get(sha) is not None for sha in others] == [True] + [False] * 6 + [True] * 2
    versions.close()


def test_a_full_disk_costs_the_version_and_nothing_else(tmp_path: Path) -> None:
    """It is not kept, as if it were too large; what was kept before is there."""
    versions = Versions(tmp_path)
    first = put(versions, b"a" * (2 << 20))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, before[1]))
    try:
        second = put(versions, b"b" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert versions.get(first) == b"a" * (2 << 20) and versions.get(second) is None
    third = put(versions, b"c" * (2 << 20))
    assert versions.get(third) == b"c" * (2 << 20)
    versions.close()
