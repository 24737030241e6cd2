"""The conductor's tools: the whole registry, closed by construction. No worker's tool is reachable from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.tools.conductor import ask, read, task, task_create, task_get, task_update
from conductor_magic.tools.conductor.base import ConductorTool, Plan

__all__ = ["ALIASES", "DEFINITIONS", "PURE", "ConductorTool", "Plan"]

Json = dict[str, Any]

PURE: Mapping[str, ConductorTool] = {
    tool.name: tool for tool in (task_create.TOOL, task_update.TOOL, task_get.GET, task_get.LIST, task.TOOL)
}
"""Tools that only read or edit the state; `Read` and `AskUserQuestion` have effects and are the loop's."""

ALIASES: Mapping[str, str] = {"Agent": "Task"}

DEFINITIONS: tuple[Json, ...] = (
    {"name": read.NAME, "description": read.DESCRIPTION, "input_schema": read.SCHEMA},
    *({"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in PURE.values()),
    {"name": ask.NAME, "description": ask.DESCRIPTION, "input_schema": ask.SCHEMA},
)
"""What every conductor request carries as `tools`, in the same order each time."""
