"""The one place where something else than a provider is made to answer runs: a model that a test or a lesson holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from conductor_magic.models.base import Model

__all__ = ["model_stub", "standing_in"]

_stand_ins: list[Model] = []


def standing_in() -> Model | None:
    """The model that answers a run which starts now instead of its provider; None as a rule."""
    return _stand_ins[-1] if _stand_ins else None


@contextmanager
def model_stub(model: Model) -> Iterator[None]:
    """Let a model answer every run that starts, or goes on, inside the `with`, on whatever thread; nothing is charged.

    ::

        model = ScriptedModel(["Nothing to do."])
        with model_stub(model):
            result = conduct("Do it.").wait()
        assert len(model.requests) == 1

    A run asks for its model once it is under way, so wait for it inside. It is recorded as a rehearsal: no language
    model took part.

    Args:
        model: answers the conductor and all workers; each request says by its tools whose it is.
    """
    _stand_ins.append(model)
    try:
        yield
    finally:
        _stand_ins.remove(model)
