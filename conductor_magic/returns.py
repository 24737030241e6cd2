"""`--returns TYPE`: the type's JSON schema for the conductor, and its answer validated. pydantic, imported lazily."""

from __future__ import annotations

from typing import Any

__all__ = ["ReturnType"]

Json = dict[str, Any]
_ERRORS_SHOWN = 8


class ReturnType:
    """The type that a run's answer is validated into.

    Args:
        annotation: a pydantic model or any type that pydantic knows.

    Raises:
        pydantic.errors.PydanticUserError: pydantic has no schema for it.
    """

    def __init__(self, annotation: Any) -> None:
        from pydantic import TypeAdapter

        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        self.name = getattr(annotation, "__name__", str(annotation))
        self.schema: Json = self._adapter.json_schema()

    def read(self, text: str) -> tuple[Any, str]:
        """The value as JSON data, and what is wrong with it (empty when it fits)."""
        from pydantic import ValidationError

        try:
            return self._adapter.dump_python(self._adapter.validate_json(_json_part(text)), mode="json"), ""
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}" for item in error.errors()]
            return None, "; ".join(lines[:_ERRORS_SHOWN])

    def build(self, value: Any) -> Any:
        """The typed value from its JSON data; None stays None."""
        return None if value is None else self._adapter.validate_python(value)


def _json_part(text: str) -> str:
    """The text without a Markdown fence around it."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.partition("\n")[2].rpartition("```")[0]
    return stripped.strip()
