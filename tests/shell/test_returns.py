"""`--returns` types of many kinds: read from the conductor's text, and built again from what the journal keeps."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

from conductor_magic.redact import Redactor
from conductor_magic.returns import ReturnType
from conductor_magic.tools.conductor.ask import answer_from


class Aliased(BaseModel):
    the_name: str = Field(alias="name")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int

    @computed_field
    @property
    def b(self) -> int:
        return self.a + 1


class Number(BaseModel):
    x: float


class Fussy(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def _check(cls, value: int) -> int:
        raise KeyError("a bug in the person's own type")


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (Aliased, '{"name": "x"}', Aliased(name="x")),
        (Strict, '{"day": "2024-02-01"}', Strict(day=date(2024, 2, 1))),
        (Computed, '{"a": 1}', Computed(a=1)),
        (set[int], "[1, 2]", {1, 2}),
        (tuple[int, str], '```json\n[1, "a"]\n```', (1, "a")),
    ],
)
def test_a_value_survives_the_journal(annotation: Any, text: str, value: Any) -> None:
    """What was read once is built again, equal, from plain JSON."""
    typed = ReturnType(annotation)
    data, wrong = typed.read(text)
    assert not wrong
    assert typed.build(json.loads(json.dumps(data))) == value


@pytest.mark.parametrize(("annotation", "text"), [(Number, '{"x": NaN}'), (Fussy, '{"x": 1}'), (Number, "no JSON")])
def test_what_does_not_fit_is_said_and_raises_nothing(annotation: Any, text: str) -> None:
    """Not a number that JSON has, a validator with a bug, no JSON at all: each is a sentence for the repair round."""
    value, wrong = ReturnType(annotation).read(text)
    assert value is None and wrong


def test_only_images_keep_their_data() -> None:
    """A field that happens to be called `data` is searched for keys like any other; base64 blocks are left alone."""
    key = "sk-ant-" + "a1" * 20
    block = {"type": "base64", "media_type": "image/png", "data": key}
    assert Redactor({}).json({"data": key, "source": block}) == {"data": "[redacted]", "source": block}


def test_an_answer_of_none_is_no_answer() -> None:
    """A key of the answers dict without a value leaves the question to the recommended option."""
    question = {"question": "Which?", "header": "Which", "options": []}
    assert answer_from({"Which?": None}, question) is None
    assert answer_from({"Which?": None, "Which": "B"}, question) == "B"
