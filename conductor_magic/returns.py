"""`--returns TYPE`: the type's JSON schema for the conductor, and its answer validated. pydantic, imported lazily."""

from __future__ import annotations

import json
from typing import Any

from conductor_magic.errors import ConductUsageError

__all__ = ["ReturnType", "return_type"]

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
            value = self._adapter.validate_json(_json_part(text))
            data = json.loads(self._adapter.dump_json(value))
            try:
                self.build(data)
            except ValidationError:
                # What is computed for the dump may be refused on the way back.
                data = json.loads(self._adapter.dump_json(value, round_trip=True))
                self.build(data)
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}" for item in error.errors()]
            return None, "; ".join(lines[:_ERRORS_SHOWN])
        except Exception as error:  # noqa: BLE001 - a validator of the person's own may raise anything
            return None, f"{type(error).__name__}: {error}"
        return data, ""

    def build(self, value: Any) -> Any:
        """The typed value from the JSON data that `read` gave; None stays None.

        Raises:
            pydantic.ValidationError: the data is of another type.
        """
        # As JSON, which strict types take too; fields by name, which is how they were dumped.
        return None if value is None else self._adapter.validate_json(json.dumps(value), by_alias=True, by_name=True)


def return_type(annotation: object | None) -> ReturnType | None:
    """What `--returns` names, or None without it.

    Raises:
        ConductUsageError: no JSON schema can be made of it.
    """
    if annotation is None:
        return None
    try:
        return ReturnType(annotation)
    except Exception as error:  # noqa: BLE001 - whatever pydantic says of a type, it is the person's type
        name = getattr(annotation, "__name__", repr(annotation))
        reason = str(error).splitlines()[0]
        raise ConductUsageError(f"--returns {name}: no JSON schema can be made of it ({reason}).") from None


def _json_part(text: str) -> str:
    """The text without a Markdown fence around it."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.partition("\n")[2].rpartition("```")[0]
    return stripped.strip()
