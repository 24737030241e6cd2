"""Fixtures of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.stages import Stages
from tests.corpus.world import KERNEL_SECRETS, World


@pytest.fixture(scope="session")
def stages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """The processes in which rows are played: all that this session asks for, from the first on."""
    items: list[Any] = [item for item in request.session.items if "stages" in getattr(item, "fixturenames", ())]
    made = Stages(tmp_path_factory.mktemp("stage"), [item.callspec.params["row"] for item in items])
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world around this process, whose environment has secrets and a key."""
    with World(tmp_path / "world") as world:
        secrets = {**KERNEL_SECRETS, "ANTHROPIC_API_KEY": "CANARY-KEY-0001"}
        for name, value in {**secrets, **world.environment()}.items():
            monkeypatch.setenv(name, value)
        yield world
