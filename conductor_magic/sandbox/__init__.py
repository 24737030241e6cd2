"""The walls around what workers run: chosen by a self-test, told to the person, the same for Bash and Python."""

from __future__ import annotations

from conductor_magic.sandbox.environment import clean_environment
from conductor_magic.sandbox.process import Outcome, Started, run, start
from conductor_magic.sandbox.walls import Walls, choose_walls

__all__ = ["Outcome", "Started", "Walls", "choose_walls", "clean_environment", "run", "start"]
