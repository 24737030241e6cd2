"""Does a tool call's input fit the tool's schema? The part of JSON Schema that our tools use, checked strictly.

Own code because the answer is read by a model: one sentence that names the field and what it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conductor_magic.unreadable import is_unreadable

__all__ = ["check_arguments"]

Check = Callable[[Any], bool]

_TYPES: dict[str, Check] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def check_arguments(schema: Mapping[str, Any], args: object) -> str | None:
    """What is wrong with the arguments of a call, or None when they fit.

    Understands `type`, `properties`, `required`, `additionalProperties` (false or a schema), `items`, `enum`,
    `minItems`, `maxItems`, `minLength`, `maxLength`, `minimum`, `maximum`; other keywords are descriptions here.

    Args:
        schema: the tool's `input_schema`.
        args: what the model sent.

    Returns:
        One sentence for the model, or None.
    """
    if is_unreadable(args):
        return "The input is no JSON object, or has a key twice or a number without end. Nothing was done: call again."
    return _check(schema, args, "")


def _check(schema: Mapping[str, Any], value: object, where: str) -> str | None:
    named = f"`{where}`" if where else "The input"
    if (wanted := schema.get("type")) is not None:
        types = [wanted] if isinstance(wanted, str) else list(wanted)
        if not any(_TYPES[name](value) for name in types):
            return f"{named} must be {' or '.join(_article(name) for name in types)}, not {_kind(value)}."
    if "enum" in schema and value not in schema["enum"]:
        return f"{named} must be one of {', '.join(map(repr, schema['enum']))}, not {_short(value)}."
    if isinstance(value, dict):
        return _check_object(schema, value, where, named)
    if isinstance(value, list):
        return _check_list(schema, value, where, named)
    return _check_size(schema, value, named)


def _check_object(schema: Mapping[str, Any], value: dict[str, Any], where: str, named: str) -> str | None:
    properties: Mapping[str, Any] = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{named} lacks {' and '.join(f'`{name}`' for name in missing)}."
    rest = schema.get("additionalProperties", True)
    for name, inner in value.items():
        place = f"{where}.{name}" if where else name
        if name in properties:
            trouble = _check(properties[name], inner, place)
        elif rest is False:
            known = ", ".join(f"`{known}`" for known in properties) or "none"
            trouble = f"{named} has no field `{name[:80]}`; there are: {known}."
        else:
            trouble = _check(rest, inner, place) if isinstance(rest, Mapping) else None
        if trouble:
            return trouble
    return None


def _check_list(schema: Mapping[str, Any], value: list[Any], where: str, named: str) -> str | None:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least:
        return f"{named} needs at least {least} of them, not {len(value)}."
    if most is not None and len(value) > most:
        return f"{named} may have at most {most} of them, not {len(value)}."
    if "items" in schema:
        for number, inner in enumerate(value):
            if trouble := _check(schema["items"], inner, f"{where}[{number}]"):
                return trouble
    return None


def _check_size(schema: Mapping[str, Any], value: object, named: str) -> str | None:
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            return f"{named} is empty." if not value else f"{named} needs {schema['minLength']} characters or more."
        if "maxLength" in schema and len(value) > schema["maxLength"]:
            return f"{named} may have {schema['maxLength']} characters at most, not {len(value)}."
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            return f"{named} must be {schema['minimum']} or more, not {value}."
        if "maximum" in schema and value > schema["maximum"]:
            return f"{named} must be {schema['maximum']} or less, not {value}."
    return None


def _article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _kind(value: object) -> str:
    return next((_article(name) for name, fits in _TYPES.items() if fits(value)), type(value).__name__)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
