"""The part of a `ConductResult` that tells what a plan will probably take and cost."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from conductor_magic.forecast import outlook
from conductor_magic.state import RunState

__all__ = ["Forecast", "TierForecast"]


class TierForecast(BaseModel):
    """The tasks of one tier: how many, the seconds that one usually takes, the USD that all will probably cost."""

    model_config = ConfigDict(frozen=True)

    tier: str
    tasks: int
    seconds: float | None
    usd: float | None


class Forecast(BaseModel):
    """What the tasks of a plan will probably take and cost; None where no time or price is known.

    `seconds`: with as many workers at once as the plan says; `usd`: of the tasks, the conductor's requests on top;
    `critical_path`: the chain of tasks that will take longest.
    """

    model_config = ConfigDict(frozen=True)

    seconds: float | None
    usd: float | None
    critical_path: tuple[str, ...]
    tiers: tuple[TierForecast, ...]

    @classmethod
    def of(cls, state: RunState) -> Forecast | None:
        """The forecast of a plan; None of any other run."""
        plan = outlook(state)
        return None if plan is None else cls(**asdict(plan))
