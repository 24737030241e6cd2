"""Fixtures of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.stages import Stages
from tests.corpus.world import KERNEL_SECRETS, World


@pytest.fixture(scope="session")
def all_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """The processes in which rows are played."""
    made = Stages(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def stages(request: pytest.FixtureRequest, all_stages: Stages) -> Stages:
    """The same, with the rows of a file begun: not those of others, which another process may have."""
    here: list[Any] = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    all_stages.play(item.callspec.params["row"] for item in here if "stages" in item.fixturenames)
    return all_stages


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world around this process, whose environment has secrets and a key."""
    with World(tmp_path / "world") as world:
        secrets = {**KERNEL_SECRETS, "ANTHROPIC_API_KEY": "CANARY-KEY-0001"}
        for name, value in {**secrets, **world.environment()}.items():
            monkeypatch.setenv(name, value)
        yield world
