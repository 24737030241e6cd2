"""The schema that a task's metadata may hold, looked at before the task is made or changed."""

from __future__ import annotations

from typing import Any

from conductor_magic.schemas import schema_problem

__all__ = ["problem"]


async def problem(args: dict[str, Any]) -> str | None:
    """What is wrong with `metadata.schema` in the arguments of TaskCreate or TaskUpdate, or None.

    Args:
        args: they fit the tool's own schema.
    """
    schema = (args.get("metadata") or {}).get("schema")
    if schema is None:
        return None
    wrong = await schema_problem(schema)
    return f"metadata.schema cannot be used: {wrong}." if wrong else None
