"""AskUserQuestion: what may be asked, and what stands in for an answer when nobody gives one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DESCRIPTION", "NAME", "SCHEMA", "answer_from", "problem", "recommended"]

Json = dict[str, Any]
NAME = "AskUserQuestion"
DESCRIPTION = (
    "Ask the person 1-4 questions with 2-4 options each, the recommended one first, its label ending in (Recommended). "
    "An answer in own words is always possible."
)
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {
                    "question": {"type": "string"},
                    "header": {"type": "string", "description": "at most 12 characters"},
                    "options": {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 4,
                        "items": {
                            "type": "object",
                            "properties": {"label": {"type": "string"}, "description": {"type": "string"}},
                            "required": ["label", "description"],
                        },
                    },
                    "multiSelect": {"type": "boolean"},
                },
                "required": ["question", "header", "options"],
            },
        }
    },
    "required": ["questions"],
    "additionalProperties": False,
}


def problem(args: Json) -> str | None:
    """What is wrong with questions that fit the schema's types, or None."""
    questions: list[Json] = args["questions"]
    if not 1 <= len(questions) <= 4:
        return f"Ask 1 to 4 questions, not {len(questions)}."
    texts = [question["question"].strip() for question in questions]
    if not all(texts) or len(set(texts)) < len(texts):
        return "Each question needs a text of its own."
    for question in questions:
        labels = [option["label"].strip() for option in question["options"]]
        if not 2 <= len(labels) <= 4:
            return f"“{question['question']}” has {len(labels)} options: give 2 to 4."
        if not all(labels) or len(set(labels)) < len(labels):
            return f"The options of “{question['question']}” need labels of their own."
        if len(question["header"]) > 12:
            return f"The header {question['header']!r} has {len(question['header'])} characters: at most 12."
    return None


def recommended(question: Mapping[str, Any]) -> str:
    """The label that ends in `(Recommended)`, else the first."""
    labels: list[str] = [option["label"] for option in question["options"]]
    return next((label for label in labels if label.strip().lower().endswith("(recommended)")), labels[0])


def answer_from(answers: Mapping[str, Any], question: Mapping[str, Any]) -> Any:
    """What the `--answers` dict says to a question: by its exact text, else its header; None when it says nothing."""
    for key in (question["question"], question["header"]):
        if answers.get(key) is not None:
            value = answers[key]
            return [str(item) for item in value] if isinstance(value, (list, tuple, set)) else str(value)
    return None
