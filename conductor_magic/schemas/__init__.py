"""Schemas of tasks' values."""

from __future__ import annotations

from conductor_magic.schemas.values import Found, schema_problem, value_in, with_value

__all__ = ["Found", "schema_problem", "value_in", "with_value"]
