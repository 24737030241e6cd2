"""Seams for tests of code built on Conductor: a model that answers from a script. Nothing else here is public."""

from __future__ import annotations

from conductor_magic.models.base import Reply, Request, Usage
from conductor_magic.models.scripted import ScriptedModel, text_reply, tool_reply

__all__ = ["Reply", "Request", "ScriptedModel", "Usage", "text_reply", "tool_reply"]
