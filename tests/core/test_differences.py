"""Differences of two versions, and whether a third one keeps them: by properties and by example."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.differences import difference, is_text, keeps

LINES = st.lists(st.sampled_from(["a", "b", "c", "  d", "e e", "", "}"]), max_size=30)
PLACES = st.lists(st.integers(0, 1000), min_size=1, max_size=4)


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def with_tokens(lines: list[str], places: list[int], name: str) -> list[str]:
    """The lines with one line of its own at each place."""
    for number, place in enumerate(places):
        lines = [*lines[: place % (len(lines) + 1)], f"{name} {number}", *lines[place % (len(lines) + 1) :]]
    return lines


def applied(lines: list[str], shown: str) -> list[str]:
    """What a unified difference makes of some lines."""
    made: list[str] = []
    place = 0
    for line in shown.split("\n")[2:]:
        if line.startswith("@@"):
            start, count = map(int, line.split()[1][1:].split(","))
            made += lines[place : start - bool(count)]
            place = start - bool(count)
        elif line.startswith("+"):
            made.append(line[1:])
        else:
            assert lines[place] == line[1:]
            made += [lines[place]] if line.startswith(" ") else []
            place += 1
    return made + lines[place:]


@given(LINES, LINES)
def test_a_difference_makes_the_one_version_from_the_other(a: list[str], b: list[str]) -> None:
    """Applied to the old lines it gives the new ones, and it is empty when they are equal."""
    shown = difference(text(a), text(b), "old", "new", 100_000)
    assert (applied(a, shown) if shown else a) == b
    assert (shown == "") == (a == b)


@given(LINES, PLACES, PLACES)
def test_what_was_added_on_top_of_others_keeps_them(lines: list[str], theirs: list[int], mine: list[int]) -> None:
    """Lines of both are there: nothing is lost, whoever came first."""
    first = with_tokens(lines, theirs, "theirs")
    assert keeps(text(lines), text(first), text(with_tokens(first, mine, "mine")))


@given(LINES, PLACES, PLACES)
def test_what_was_made_from_the_old_version_keeps_nothing(lines: list[str], theirs: list[int], mine: list[int]) -> None:
    """Their lines are missing, wherever mine were put."""
    assert not keeps(text(lines), text(with_tokens(lines, theirs, "theirs")), text(with_tokens(lines, mine, "mine")))


def test_removals_and_changes_within_a_line_are_kept_or_not() -> None:
    """A removed line must not come back; a line that was added to may be added to further."""
    assert keeps(b"a\nb\n", b"a\n", b"a\nc\n")
    assert not keeps(b"a\nb\n", b"a\n", b"a\nb\nc\n")
    assert keeps(b"row: a\n", b"row: a b\n", b"row: a b c\n")
    assert not keeps(b"x = 0\n", b"x = 1\n", b"x = 0\ny\n")
    assert not keeps(b"a b c\n", b"a c\n", b"a b c d\n")
    assert not keeps(b"", b"1\n", b"12\n")


def test_a_new_layout_keeps_the_words_but_not_a_change_of_the_layout() -> None:
    """A formatter that came after is no loss; the loss of an indentation is."""
    assert keeps(b"f(a)\n", b"f(a)\ng('b')\n", b'f(a)\ng(\n    "b",\n)\n')
    assert not keeps(b"if a:\n    b\nc\n", b"if a:\n    b\n    c\n", b"if a:\n    b\nc\n")


def test_files_that_are_not_there_or_no_text() -> None:
    """No file is empty text; of binary data only the very same is kept."""
    assert keeps(None, b"a\n", b"a\nb\n") and not keeps(None, b"a\n", None) and keeps(b"a\n", None, None)
    assert keeps(b"\0", b"\1", b"\1") and not keeps(b"\0", b"\1\0", b"\1\0\2")
    assert is_text(None) and is_text("ä".encode()) and not is_text(b"\xff") and not is_text(b"a\0")
    assert difference(b"\0", b"\0\1", "old", "new") == "--- old\n+++ new\nBinary: 1 bytes became 2 bytes."
    assert difference(None, b"a\n", "old", "new") == "--- old (no file)\n+++ new\n@@ -0,0 +1,1 @@\n+a"
    assert difference(b"a", b"a\n", "old", "new").endswith("(only line ends differ)")


def test_a_long_difference_is_cut_between_lines_and_says_so() -> None:
    """What is left out is counted; large files of like lines take no more than a moment."""
    shown = difference(text(["same"] * 50_000), text(["other"] * 50_000), "old", "new", 200)
    assert len(shown) < 260 and shown.splitlines()[-1] == "[cut: 99,974 more lines]"
    shown = difference(b"x" * 10_000 + b"old\n", b"x" * 10_000 + b"new\nmore\n", "before", "after", 400)
    assert shown.count("x[cut: 9,954 characters]x") == 2
    assert [line[-4:] for line in shown.splitlines()[-3:]] == ["xold", "xnew", "more"]
    changed = [f"line {number}" if number % 50 else "changed" for number in range(20_000)]
    shown = difference(text([f"line {number}" for number in range(20_000)]), text(changed), "old", "new", 100_000)
    assert shown.count("+changed") > 200
