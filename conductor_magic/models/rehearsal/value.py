"""The typed value of `--returns`, filled from the figures that the answer states, and from nothing else. Pure.

A property is matched by its name against the names of the figures. What does not match is left out, or said to be
unknown where the schema wants a text: the rehearsal would rather miss the schema than invent a figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from conductor_magic.models.rehearsal.dialogue import Dialogue, Turn
from conductor_magic.models.rehearsal.prose import KEY_FIGURES

__all__ = ["figures_in", "fitted", "value_turn"]

Json = dict[str, Any]
UNKNOWN = "not determined: a rule-based stand-in played, not a language model"
_FENCED = re.compile(r"```json\n(.*?)\n```", re.DOTALL)
_ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)
_SUMMARY = re.compile(r"^- `([^`]+)`: mean (\S+), median (\S+), from (\S+) to (\S+)\.$", re.MULTILINE)
_MEANS = re.compile(r"^Means by `(.+)`:\n\n\| (.+) \|\n.*\n((?:\| .+ \|\n?)+)", re.MULTILINE)
_TEXTS = {"summary", "answer", "brief", "conclusion", "text", "report", "overview", "headline"}
_LISTS = {"findings", "insights", "highlights", "points", "facts", "results", "observations", "bullets"}
_SYNONYMS = {
    "n": "",
    "num": "",
    "number": "",
    "of": "",
    "count": "",
    "total": "",
    "values": "",
    "cols": "columns",
    "nulls": "missing",
}
_MISSING = object()


def value_turn(dialogue: Dialogue) -> Turn:
    """The JSON that the schema asks for, as far as the figures go."""
    asked = [match for text in (dialogue.first, *dialogue.told) for match in _FENCED.findall(text)]
    schema = dialogue.schema
    if schema is None and asked:
        try:
            schema = json.loads(asked[-1])
        except ValueError:
            schema = None
    answer = "\n".join(o.text for o in dialogue.outcomes if str(o.input.get("file_path", "")).startswith("outputs/"))
    value = fitted(schema or {}, answer)
    return Turn(json.dumps(value, ensure_ascii=False))


def figures_in(answer: str) -> dict[str, Any]:
    """The answer's figures by name: its key figures, the summaries of its number columns, its means by group."""
    found: dict[str, Any] = {}
    for column, *values in _SUMMARY.findall(answer):
        for name, value in zip(("mean", "median", "min", "max"), values, strict=True):
            found[f"{name} {column}"] = _scalar(value)
    for grouping, head, rows in _MEANS.findall(answer):
        columns = head.split(" | ")[1:]
        cells = [row.strip("| ").split(" | ") for row in rows.strip().splitlines()]
        for at, column in enumerate(columns, 1):
            found[f"mean {column} by {grouping}"] = {row[0]: _scalar(row[at]) for row in cells if len(row) > at}
    for name, value in _ROW.findall(answer.partition(KEY_FIGURES)[2]):
        if name not in ("figure", "---"):
            found[name] = _scalar(value.strip("`"))
    return found


def fitted(schema: Mapping[str, Any], answer: str) -> Any:
    """A value of the schema's shape out of the answer; what is not known is left out."""
    value = _fit(schema, "", figures_in(answer), answer, schema.get("$defs", {}))
    return {} if value is _MISSING else value


def _fit(schema: Mapping[str, Any], name: str, figures: Mapping[str, Any], answer: str, defs: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        schema = defs.get(str(schema["$ref"]).rpartition("/")[2], {})
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        fits = [
            fit for option in options if (fit := _fit(option, name, figures, answer, defs)) not in (_MISSING, UNKNOWN)
        ]
        return fits[0] if fits else None if {"type": "null"} in options else _MISSING
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        inner = {key: _fit(part, key, figures, answer, defs) for key, part in schema["properties"].items()}
        return {key: value for key, value in inner.items() if value is not _MISSING}
    found = _named(name, figures)
    if kind == "object":
        return found if isinstance(found, dict) else _MISSING
    if kind == "array":
        return (
            _findings(answer)
            if _words(name) & _LISTS and (schema.get("items") or {}).get("type") == "string"
            else _MISSING
        )
    if kind == "string":
        return _text(schema, name, found, answer)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return _MISSING
    if kind == "integer":
        return int(found) if found == int(found) else _MISSING
    return found if kind == "number" else _MISSING


def _text(schema: Mapping[str, Any], name: str, found: Any, answer: str) -> Any:
    choices = schema.get("enum")
    if isinstance(found, (str, int, float)) and (not choices or found in choices):
        return str(found)
    if choices:
        return _MISSING
    if _words(name) & {"title", "heading"}:
        return next((line.lstrip("# ") for line in answer.splitlines() if line.startswith("# ")), UNKNOWN)
    if _words(name) & _TEXTS:
        return next((line for line in answer.splitlines() if line[:1] not in ("", "#", "-", "|")), UNKNOWN)
    return UNKNOWN


def _named(name: str, figures: Mapping[str, Any]) -> Any:
    """The figure whose name has exactly these words, else the only one whose words are among them."""
    wanted = _words(name)
    exact = [value for key, value in figures.items() if _words(key) == wanted]
    if exact:
        return exact[0]
    close = [value for key, value in figures.items() if len(_words(key)) > 1 and _words(key) <= wanted]
    return close[0] if len(close) == 1 else None


def _words(name: str) -> set[str]:
    words: Iterable[str] = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return {word for word in (_SYNONYMS.get(word, word) for word in words) if word}


def _findings(answer: str) -> list[str]:
    return [line.removeprefix("- ") for line in answer.splitlines() if line.startswith("- ")]


def _scalar(text: str) -> Any:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text) else text
