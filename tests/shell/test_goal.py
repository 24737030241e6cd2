"""The goal's `{expressions}`: what is replaced, what stays, and what is refused in one line."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conductor_magic.errors import ConductUsageError
from conductor_magic.goal import fill_in


class Sales:
    """Something with a shape, as a frame has."""

    shape = (120, 4)


NAMES = {"n": 5, "name": "a{n}b", "d": {"k": 1, "}": 2}, "sales": Sales(), "rows": [1, 2], "empty": ""}

REPLACED = {
    "{n} rows": "5 rows",
    "{ n }": "5",
    "{sales.shape[0]} by {sales.shape[1]}": "120 by 4",
    '{d["k"]}': "1",
    "{d['}']}": "2",
    '{d.get("{{", 7)}': "7",
    "{name}": "a{n}b",
    "{n + 1}{n}": "65",
    "{{{n}}}": "{5}",
    "{n}}": "5}",
    "it's {n} isn't {n}": "it's 5 isn't 5",
    "{[i * n for i in rows]}": "[5, 10]",
    "{ {n, 1} == {1, n} }": "True",
    "{sum([\n  1,\n  n,\n])}": "6",
    "{(lambda x: x + n)(1)}": "6",
    "{(m := n + 2)}": "7",
    "{n if n > 3 else 0}": "5",
    "{'\\n'.join(['a', 'b'])}": "a\nb",
    "{f'{n}!'}": "5!",
    "{'''a}''' + str(n)}": "a}5",
    '{"n": {n}}': '{"n": 5}',
    "{len(rows)}": "2",
    "{not n}": "False",
    "{n} é {n}": "5 é 5",
}

STAYS = [
    "",
    "no braces at all",
    "{}",
    "{ }",
    '{"a": 1}',
    '{"a": {"b": {"c": {}}}}',
    '[{"a": 1}, {"b": [1, 2]}]',
    "{1}",
    "{1, 2, 3}",
    '{"text"}',
    "{...}",
    "{-1}",
    "{[1, 2]}",
    "{True}",
    "{n:.2f}",
    "{n!r}",
    "{n=}",
    "{m := 5}",
    "{yield n}",
    "{*rows}",
    "{x for x in rows}",
    "function f(a) { return a; }",
    "body { color: red; }",
    "def f():\n    return {\n        'a': 1,\n    }",
    "{don't} and {won't}",
    "an open { and nothing more",
    "a lone } here",
    "} backwards {",
    "{(}",
    "{[)}",
    "\\frac{1}{2}",
    "{\x00}",
    "$n $HOME `n` !ls %n",
    "{import os}",
    "{n; n}",
    "{n n}",
]

REFUSED = {
    "{revenue}": "no variable revenue",
    "{N}": "Did you mean n?",
    "${HOME}": "no variable HOME",
    "{sale.shape}": "Did you mean sales?",
    "/users/{id}": "Python's own",
    "{[q for q in nowhere]}": "no variable nowhere",
    "{1 / 0}": "ZeroDivisionError: division by zero",
    "{d['z']}": "KeyError: 'z'",
    "{n.shape}": "AttributeError",
    "{await n}": "'await' outside function",
    "{(yield)}": "'yield' outside function",
    "{exit(3)}": "in the goal",
    "{int(\n'many')}": "ValueError: invalid literal",
    "{type('Bad', (), {'__str__': lambda self: 1 / 0})()}": "ZeroDivisionError",
    "{type('Odd', (), {'__str__': lambda self: 1})()}": "TypeError",
    "{(lambda: nowhere)()}": "no variable nowhere",
    "{n.bit_length('" + "x" * 500 + "')}": "TypeError",
}


@pytest.mark.parametrize(("text", "expected"), REPLACED.items())
def test_replaced(text: str, expected: str) -> None:
    """A brace pair around one expression becomes the text of its value, once."""
    assert fill_in(text, NAMES) == expected


@pytest.mark.parametrize("text", STAYS)
def test_stays(text: str) -> None:
    """JSON, code, literals and prose with braces reach the conductor as they were written."""
    assert fill_in(text, NAMES) == text


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_refused(text: str, said: str) -> None:
    """An expression that cannot be evaluated is told on one line, with the way to write braces as text."""
    with pytest.raises(ConductUsageError) as error:
        fill_in(text, NAMES)
    message = str(error.value)
    assert said in message
    assert "{{" in message
    assert "\n" not in message
    assert len(message) < 500


def test_doubled_braces() -> None:
    """Two braces stand for one; pairs that were opened singly close singly."""
    assert fill_in("{{n}} {{}} {{ }} }}", NAMES) == "{n} {} { } }"
    assert fill_in('{{"a": {{"b": 1}}}}', NAMES) == '{"a": {"b": 1}}'


def test_each_expression_is_evaluated_once_and_in_order() -> None:
    """Expressions run left to right, once each, and leave nothing else in the notebook's namespace."""
    calls: list[int] = []
    namespace: dict[str, object] = {"note": lambda number: calls.append(number) or number}
    before = set(namespace)
    assert fill_in("{note(1)} {note(2)} {note(3)}", namespace) == "1 2 3"
    assert calls == [1, 2, 3]
    assert set(namespace) == before


def test_assignment_reaches_the_notebook() -> None:
    """An assignment that the person wrote in an expression is theirs: it lands in the notebook, as in any cell."""
    notebook: dict[str, object] = {"__builtins__": __builtins__, "n": 1}
    assert fill_in("{(total := n + 1)}", notebook) == "2"
    assert notebook["total"] == 2


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_text_without_braces_is_untouched(text: str) -> None:
    """Whatever the characters, a goal without braces comes through."""
    assert fill_in(text, {}) == text


@given(st.text())
def test_a_value_is_not_scanned_again(value: str) -> None:
    """Text that a variable holds is data: braces in it mean nothing."""
    assert fill_in("<{value}>", {"value": value}) == f"<{value}>"


_WORDS = st.text(alphabet="abc xyz,:'", max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([None, 2]))
def test_json_stays(value: object, indent: int | None) -> None:
    """Any JSON document comes through unchanged, compact or indented."""
    text = json.dumps(value, indent=indent, separators=(",", ":") if indent is None else None)
    assert fill_in(text, {}) == text


@given(st.text(alphabet="{}()[]'\" \nn1:,.x\\#=!", max_size=60))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    """No text raises anything but the usage error."""
    try:
        fill_in(text, {"n": 1})
    except ConductUsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("piece", ["{ ", "{'", "{((", "{[]", '{"a":', "{a:"])
def test_hostile_text_is_cheap(piece: str) -> None:
    """Thousands of braces that never close stay as they are; the time grows with the text, not with its square."""
    text = piece * 2_000
    began = time.process_time()
    assert fill_in(text, {}) == text
    assert time.process_time() - began < 3
