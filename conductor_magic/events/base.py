"""What an event is, and how it becomes JSON and comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticSerializationError, from_json, to_json

__all__ = ["FORMAT", "KINDS", "Event", "Record", "Unknown", "dump", "dump_json", "parse", "parse_json", "parse_text"]

FORMAT = 1
"""Version of the record format; a journal names it in its first record."""

Json = dict[str, Any]
Tier = Literal["haiku", "sonnet", "opus"]
TIERS: tuple[Tier, ...] = get_args(Tier)
Outcome = Literal["completed", "failed", "timeout", "limit", "refused", "cancelled"]
Cause = Literal["", "crash", "timeout", "limit", "refusal", "schema", "status", "api", "budget", "cancelled"]
KINDS: dict[str, type[Event]] = {}


class Event(BaseModel):
    """The base of all events; a subclass names its `kind`."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, kind: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind:
            cls.kind = kind
            KINDS[kind] = cls


class Unknown(Event):
    """An event of a kind that this version does not know; carried along unchanged."""

    name: str
    data: Json


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place (`seq`, from 1, without gaps) and its moment (`at`, seconds since the epoch).

    The run's clock stands still while nobody drives the run: `RunState.moment` gives the time on the wall.
    """

    seq: int
    at: float
    event: Event


def dump(event: Event) -> Json:
    """The event as JSON data, its kind first; `parse` is its inverse."""
    if isinstance(event, Unknown):
        return {"kind": event.name, **event.data}
    return {"kind": event.kind, **event.model_dump(mode="json")}


def dump_json(event: Event) -> bytes:
    """`dump` as JSON text. Half a surrogate pair, which no UTF-8 can hold, becomes a question mark.

    Raises:
        ValueError: the event holds something that JSON cannot.
    """
    try:
        fields = event.__pydantic_serializer__.to_json(event)
    except PydanticSerializationError:
        return json.dumps(dump(event), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8", "replace"
        )
    if isinstance(event, Unknown):
        return to_json(dump(event))
    head = b'{"kind":"%b"' % event.kind.encode()
    return head + (b"}" if fields == b"{}" else b"," + fields[1:])


def parse_json(event: Event, data: bytes) -> Event:
    """What `parse` makes of the event's own `dump_json`."""
    return event if isinstance(event, Unknown) else type(event).model_validate_json(data)


def parse_text(kind: str, data: bytes) -> Event:
    """The event of this kind whose `dump_json` is `data`.

    Raises:
        ValueError: it is no JSON, or of a known kind whose fields do not fit.
    """
    event_class = KINDS.get(kind)
    if event_class is not None:
        return event_class.__pydantic_validator__.validate_json(data)
    fields = from_json(data)
    return Unknown(name=fields.pop("kind"), data=fields)


def parse(data: Json) -> Event:
    """The event that `dump` wrote.

    Raises:
        pydantic.ValidationError: a known kind whose fields do not fit.
    """
    fields = dict(data)
    kind = fields.pop("kind")
    event_class = KINDS.get(kind)
    if event_class is None:
        return Unknown(name=kind, data=fields)
    return event_class.model_validate(fields)
