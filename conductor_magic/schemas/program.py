"""The program that looks at a task's schema, or checks one value against it.

It reads `{"schema": …}` or `{"schema": …, "value": …}` from its input and writes what is wrong. It runs on its own,
with little memory and little time: a pattern or a chain of references can keep a processor busy for ever, and Python
cannot be stopped from within.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

_SECONDS = 8
_MEMORY = 2 << 30
_LONGEST = 20_000
_DEEPEST = 40
_ERRORS = 8
_LONGEST_ERROR = 300


def main() -> None:
    """Answer `{"wrong": text, "fault": text}`: what is wrong with the value, and with the schema."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    # It only checks formats, which are not checked here, and takes seconds to import.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    given = json.load(sys.stdin)
    answer = (
        check(given["value"], given["schema"]) if "value" in given else {"wrong": "", "fault": look(given["schema"])}
    )
    json.dump(answer, sys.stdout)


def check(value: Any, schema: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a value, or with the schema as far as only a value can show it."""
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # With a registry of ours nothing is fetched, whatever a reference says.
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    try:
        errors = list(itertools.islice(validator.iter_errors(value), _ERRORS))
    except RecursionError:
        return {"wrong": "", "fault": "it refers to itself without end"}
    except Unresolvable as error:
        return {"wrong": "", "fault": f"it refers to what is not there ({error})"}
    return {"wrong": "; ".join(_said(error, "the value") for error in errors), "fault": ""}


def look(schema: object) -> str:
    """What is wrong with a schema; empty when values can be checked against it, here and now."""
    if not isinstance(schema, dict):
        return 'it must be a JSON Schema, an object such as {"type": "object", "properties": {…}}'
    if _depth(schema) > _DEEPEST or len(json.dumps(schema)) > _LONGEST:
        return f"it is too large: {_LONGEST:,} characters and {_DEEPEST} levels at most"
    from jsonschema.exceptions import best_match
    from jsonschema.validators import Draft202012Validator, validator_for

    unknown: Any = None
    kind = validator_for(schema, default=unknown)
    if kind is None and "$schema" in schema:
        return f"$schema {str(schema['$schema'])[:80]!r} is unknown; leave it out"
    kind = kind or Draft202012Validator
    wrong = best_match(kind(kind.META_SCHEMA).iter_errors(schema))
    return _said(wrong, "the schema") if wrong else _pattern_problem(schema) or _reference_problem(schema)


def _said(error: Any, whole: str) -> str:
    where = "/".join(map(str, error.absolute_path)) or whole
    message = error.message if len(error.message) <= _LONGEST_ERROR else f"{error.message[:_LONGEST_ERROR]}…"
    return f"{where}: {message}"


def _depth(value: object) -> int:
    """How deep it is nested; counted without recursion, and no further than matters."""
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        depth += 1
        level = [inner for outer in level for inner in _parts(outer)]
    return depth


def _parts(value: object) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _pattern_problem(schema: dict[str, Any]) -> str:
    patterns = [found for found in _values(schema, "pattern") if isinstance(found, str)]
    patterns += [key for found in _values(schema, "patternProperties") if isinstance(found, dict) for key in found]
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            return f"the pattern {pattern[:80]!r} is no regular expression of Python ({error})"
    return ""


def _reference_problem(schema: dict[str, Any]) -> str:
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().resolver_with_root(Resource.from_contents(schema, default_specification=DRAFT202012))
    for key in ("$ref", "$dynamicRef", "$recursiveRef"):
        for found in _values(schema, key):
            if not isinstance(found, str):
                continue  # a property of this name
            if not found.startswith("#"):
                return f'{key} {found[:80]!r} leads elsewhere; use a part of the schema, as "#/$defs/name"'
            try:
                resolver.lookup(found)
            except Unresolvable:
                return f"{key} {found[:80]!r} leads to nothing in it"
    return ""


def _values(schema: object, key: str) -> Iterator[Any]:
    """Every value that stands at a key, at any depth."""
    if isinstance(schema, dict) and key in schema:
        yield schema[key]
    for inner in _parts(schema):
        yield from _values(inner, key)


if __name__ == "__main__":
    main()
