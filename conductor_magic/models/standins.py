"""Another model in the place of one that the server does not know: a wrong id, or one that was retired meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conductor_magic.events import ModelsResolved, RunNoted
from conductor_magic.journal import Journal
from conductor_magic.limits import EXPECTED_USAGE
from conductor_magic.models.anthropic.prices import expected_cost, listed, price
from conductor_magic.models.anthropic.tiers import TierModel
from conductor_magic.models.base import Request

__all__ = ["Standins"]


class Standins:
    """Knows for a run which models are gone and what stands in for them. All requests for one of them follow.

    Args:
        journal: where a change is recorded and told; its state has the caps.
        models: tier -> model id, as the run was connected.
        others: tier -> what may take its model's place, first choice first.
        charged: whether requests cost money, so that under a cap in dollars only a model with a known price will do.
    """

    def __init__(
        self, journal: Journal, models: Mapping[str, str], others: Mapping[str, Sequence[TierModel]], *, charged: bool
    ) -> None:
        self._journal = journal
        self._models = models
        self._others = {models[tier]: tuple(found) for tier, found in others.items()}
        self._charged = charged
        self._gone: set[str] = set()

    def fitted(self, request: Request) -> Request:
        """The request as it is to be sent: to a model that is not known to be gone."""
        found = self._instead(request.model) if request.model in self._gone else None
        if found is None:
            return request
        return replace(request, model=found.model, max_tokens=min(request.max_tokens, found.max_output_tokens))

    def replaced(self, wanted: str, sent: str) -> bool:
        """Note that the server does not know a model; gives whether there is another now.

        Args:
            wanted: the model that the asker began with.
            sent: the model of the request that was refused.
        """
        news = sent not in self._gone
        self._gone.add(sent)
        found = self._instead(wanted)
        if found is not None and news:
            tiers = {tier: self._now(model) for tier, model in self._models.items()}
            usd, prices = self._usual_usd(tiers), listed(tiers.values())
            self._journal.append(ModelsResolved(tiers=tiers, source="standin", usd=usd, prices=prices))
            text = f"The server has no model {sent}: {found.model} takes its place.{_dearer(found.model, sent)}"
            self._journal.append(RunNoted(text=text, level="warning"))
        return found is not None

    def _usual_usd(self, tiers: Mapping[str, str]) -> dict[str, float]:
        usual = {tier: expected_cost(tiers[tier], usage) for tier, usage in EXPECTED_USAGE.items()}
        return {tier: usd for tier, usd in usual.items() if self._charged and usd is not None}

    def _now(self, model: str) -> str:
        found = self._instead(model) if model in self._gone else None
        return model if found is None else found.model

    def _instead(self, model: str) -> TierModel | None:
        return next((other for other in self._others.get(model, ()) if self._will_do(other)), None)

    def _will_do(self, other: TierModel) -> bool:
        state = self._journal.state
        capped = state.budget is not None or any(name.endswith(".usd") for name in state.caps)
        known = not (self._charged and capped) or price(other.model) is not None
        return known and other.model not in self._gone


def _dearer(model: str, former: str) -> str:
    """A sentence where the model is known to cost more than the former one, else nothing."""
    usage = EXPECTED_USAGE["sonnet"]
    now, before = expected_cost(model, usage), expected_cost(former, usage)
    return " It costs more." if now and before and now > before else ""
