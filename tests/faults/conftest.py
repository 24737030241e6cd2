"""The fixtures of whole runs, as the tests in `tests/shell` have them."""

from __future__ import annotations

from tests.shell.conftest import begin, play

__all__ = ["begin", "play"]
