"""Which model stands behind each tier.

The provider's own list of models says it; an option `--tier TIER=MODEL` overrides it; where there is no list, or one
without lines (many compatible servers), the newest ids that the installed SDK knows are taken.

The conductor takes the opus pick unless it is overridden: splitting a goal, judging failures and writing the synthesis
are the work that is hardest to repair when it is done badly, and its context is kept small, so it costs little.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from conductor_magic.errors import ConductUsageError
from conductor_magic.models.anthropic.faults import fault_of_exception

if TYPE_CHECKING:
    from anthropic.types import ModelInfo

__all__ = ["TIER_NAMES", "TierModel", "Tiers", "resolve_tiers"]

Source = Literal["models.list", "offline", "override"]

TIER_NAMES = ("haiku", "sonnet", "opus", "conductor")
_LINES = TIER_NAMES[:3]
_LIST_SECONDS = 5.0
_PAGE = 100
_STANDINS_OF_A_LINE = 3
# Dated and preview ids are aliases of these, so they are left out.
_SDK_ID = re.compile(r"claude-(?P<line>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class TierModel:
    """One tier's model.

    Attributes:
        model: the model id.
        source: where the id comes from.
        context_window: the most tokens of a prompt; a careful 200,000 where nobody says.
        max_output_tokens: the most tokens of a reply; a careful 32,000 where nobody says.
        takes: what it takes besides text. Where nobody says: `image`, as nearly all do, and no `document` (PDF).
        searches: whether its server searches the web for it, or None where nobody says.
        compacts: whether its server says that it compacts conversations on demand.
    """

    model: str
    source: Source
    context_window: int = 200_000
    max_output_tokens: int = 32_000
    takes: frozenset[str] = frozenset({"image"})
    searches: bool | None = None
    compacts: bool = False


@dataclass(frozen=True, slots=True)
class Tiers:
    """The four tiers; `tiers["opus"]` finds one by its name.

    Attributes:
        source: `models.list` if the provider's list was read and has lines, else `offline`.
        detail: why the list was not used, in words, or None.
        standins: tier -> what may take its model's place if the server does not know that, first choice first: older
            models of the line, then a cheaper line's, then a dearer one's.
    """

    haiku: TierModel
    sonnet: TierModel
    opus: TierModel
    conductor: TierModel
    source: Source
    detail: str | None = None
    standins: Mapping[str, tuple[TierModel, ...]] = field(default_factory=dict, compare=False)

    def __getitem__(self, tier: str) -> TierModel:
        """The model of a tier; `KeyError` for a name that is no tier."""
        if tier not in TIER_NAMES:
            raise KeyError(tier)
        return getattr(self, tier)


async def resolve_tiers(client: Any, overrides: Mapping[str, str], *, seconds: float = _LIST_SECONDS) -> Tiers:
    """Find a model for every tier.

    Args:
        client: an `AnthropicModel` or an SDK client; anything without a list of models counts as offline.
        overrides: tier name -> model id, as the person gave them.
        seconds: how long the list may take.

    Raises:
        ConductUsageError: an override names no tier.
    """
    unknown = [tier for tier in overrides if tier not in TIER_NAMES]
    if unknown:
        raise ConductUsageError(f"There is no tier {unknown[0]!r}. The tiers are {', '.join(TIER_NAMES)}.")
    listed, detail = await _listed(getattr(client, "client", client), seconds)
    by_id = {item.id: item for item in listed}
    lines = _by_line(listed)
    newest = {line: ids[0] for line, ids in lines.items()}
    if listed and not newest:
        detail = "the server's models carry no line"
    # Whoever has no list may not know an overriding id either, so that others are looked up all the same.
    known = {} if newest and all(line in newest or line in overrides for line in _LINES) else await _known_by_line()
    offline = {line: ids[0] for line, ids in known.items()}
    picks: dict[str, TierModel] = {}
    for tier in TIER_NAMES:
        if tier in overrides:
            picks[tier] = _tier_model(overrides[tier], "override", by_id)
        elif tier == "conductor":
            picks[tier] = picks["opus"]
        elif tier in newest:
            picks[tier] = _tier_model(newest[tier], "models.list", by_id)
        else:
            picks[tier] = _tier_model(offline[tier], "offline", by_id)
    source: Source = "models.list" if newest else "offline"
    found = {line: [_tier_model(model, source, by_id) for model in ids] for line, ids in (lines or known).items()}
    standins = {tier: _standins(found, tier, picks[tier].model) for tier in TIER_NAMES}
    return Tiers(**picks, source=source, detail=detail, standins=standins)


def _standins(found: Mapping[str, Sequence[TierModel]], tier: str, pick: str) -> tuple[TierModel, ...]:
    place = _LINES.index(tier) if tier in _LINES else len(_LINES) - 1
    # The own line first, then from the next cheaper one down, then from the next dearer one up.
    order = (*_LINES[place::-1], *_LINES[place + 1 :])
    return tuple(model for line in order for model in found.get(line, ())[:_STANDINS_OF_A_LINE] if model.model != pick)


async def _listed(client: Any, seconds: float) -> tuple[list[ModelInfo], str | None]:
    """The provider's models, or none and the reason."""
    models = getattr(client, "models", None)
    if models is None:
        return [], "this provider has no list of models"
    try:
        async with asyncio.timeout(seconds):
            return [item async for item in models.list(limit=_PAGE, timeout=seconds)], None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the list, the run can do without it
        return [], str(fault_of_exception(error, reading=False))


def _by_line(listed: Sequence[ModelInfo]) -> dict[str, list[str]]:
    """The ids of each line's active models, newest first. Compatible servers may lack any field but `id`."""
    found: dict[str, list[tuple[float, str]]] = {}
    for item in listed:
        line, created = getattr(item, "line", None), getattr(item, "created_at", None)
        if line and getattr(item, "lifecycle", None) in (None, "active"):
            found.setdefault(line, []).append((created.timestamp() if isinstance(created, datetime) else 0.0, item.id))
    return {line: [model for _, model in sorted(ids, reverse=True)] for line, ids in found.items() if line in _LINES}


def _tier_model(model: str, source: Source, by_id: Mapping[str, ModelInfo]) -> TierModel:
    item = by_id.get(model)
    limits = {
        "context_window": getattr(item, "max_input_tokens", None),
        "max_output_tokens": getattr(item, "max_tokens", None),
    }
    known = {name: limit for name, limit in limits.items() if limit}
    capabilities = getattr(item, "capabilities", None)
    return TierModel(
        model,
        source,
        **known,
        takes=_takes(capabilities),
        searches=_searches(capabilities),
        compacts=_compacts(capabilities),
    )


def _takes(capabilities: object) -> frozenset[str]:
    images = getattr(getattr(capabilities, "image_input", None), "supported", True)
    documents = getattr(getattr(capabilities, "pdf_input", None), "supported", False)
    return frozenset(name for name, supported in (("image", images), ("document", documents)) if supported)


def _searches(capabilities: object) -> bool | None:
    found = getattr(getattr(getattr(capabilities, "server_tools", None), "web_search", None), "supported", None)
    return found if isinstance(found, bool) else None


def _compacts(capabilities: object) -> bool:
    # The SDK's type of the list does not name it yet, so it comes as it was sent.
    found = getattr(capabilities, "compaction", None)
    return isinstance(found, Mapping) and (found.get("summarize") or {}).get("supported") is True


async def _known_by_line() -> dict[str, list[str]]:
    """The ids of each line that the installed SDK was built with, newest first."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for model in await asyncio.to_thread(_sdk_ids):
        match = _SDK_ID.fullmatch(model)
        if match:
            found.setdefault(match["line"], []).append((int(match["major"]), int(match["minor"] or 0), model))
    return {line: [model for *_, model in sorted(ids, reverse=True)] for line, ids in found.items()}


def _sdk_ids() -> list[str]:
    """Every model id in the SDK's own type; the import is slow when it is the first."""
    from typing import get_args

    from anthropic.types.model import Model

    return [name for part in get_args(Model) for name in get_args(part)]
