"""Events: every kind survives JSON, unknown kinds and fields are carried along or ignored, never fatal."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from conductor_magic.events import FORMAT, KINDS, Event, Record, RunNoted, Unknown, dump, parse
from conductor_magic.journal import decode, encode

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Any: JSON,
    NoneType: st.none(),
    str: st.text(max_size=12),
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that fit the annotation of an event's field."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, UnionType):
        return st.one_of(*map(values_of, args))
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(args[0]), values_of(args[1]), max_size=3)
    raise AssertionError(f"an event has a field of a type that this test does not know: {annotation}")


def instances_of(kind: str) -> st.SearchStrategy[Event]:
    """Events of one kind, every field drawn."""
    event = KINDS[kind]
    return st.builds(event, **{name: _fitting(field) for name, field in event.model_fields.items()})


def _fitting(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Values of a field; money and tokens are never below zero."""
    values = values_of(field.annotation)
    return values.map(lambda value: None if value is None else abs(value)) if field.metadata else values


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_survives_json(kind: str) -> None:
    """`parse(dump(event))` is the event, and so is the record that the journal's line gives back."""

    @settings(max_examples=30)
    @given(instances_of(kind), st.integers(1, 10**6), st.floats(0, 4e9))
    def survives(event: Event, seq: int, at: float) -> None:
        assert parse(json.loads(json.dumps(dump(event)))) == event
        record = Record(seq, at, event)
        assert decode(encode(record), seq) == record

    survives()


@given(
    st.text(min_size=1).filter(lambda name: name not in KINDS), st.dictionaries(st.text(max_size=6), JSON, max_size=4)
)
def test_an_unknown_kind_is_kept_as_it_is(name: str, fields: dict[str, Any]) -> None:
    """A newer version's event goes through this one unchanged."""
    data = {"kind": name, **{key: value for key, value in fields.items() if key != "kind"}}
    event = parse(data)
    assert isinstance(event, Unknown)
    assert dump(event) == data


def test_an_unknown_field_of_a_known_kind_is_ignored() -> None:
    """A newer version may add fields to a kind."""
    assert parse({"kind": "run.noted", "text": "hello", "colour": "blue"}) == RunNoted(text="hello")


def test_a_known_kind_with_fields_that_do_not_fit_is_refused() -> None:
    """Data that is not what the kind says raises, and is not guessed at."""
    with pytest.raises(ValidationError):
        parse({"kind": "worker.ended", "worker": "w1", "task": "1", "outcome": "splendid"})


def test_events_are_frozen() -> None:
    """What has happened does not change."""
    with pytest.raises(ValidationError):
        RunNoted(text="hello").text = "bye"  # pyright: ignore[reportAttributeAccessIssue]


def test_every_kind_is_a_subject_and_a_past_event() -> None:
    """Kinds are `subject.what`, written once, and the format has a version."""
    assert FORMAT == 1
    assert all(kind.count(".") == 1 and kind == KINDS[kind].kind and kind.islower() for kind in KINDS)
    assert all(KINDS[kind].__doc__ for kind in KINDS)
