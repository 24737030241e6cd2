"""The walls around what workers run: chosen by a self-test, told to the person, the same for Bash and Python."""

from __future__ import annotations

from conductor_magic.sandbox.environment import clean_environment
from conductor_magic.sandbox.guard import Guarded, guarded_names
from conductor_magic.sandbox.process import Outcome, Piped, Started, run, start, start_piped
from conductor_magic.sandbox.shown import python_folders
from conductor_magic.sandbox.walls import Walls, choose_walls

__all__ = [
    "Guarded",
    "Outcome",
    "Piped",
    "Started",
    "Walls",
    "choose_walls",
    "clean_environment",
    "guarded_names",
    "python_folders",
    "run",
    "start",
    "start_piped",
]
