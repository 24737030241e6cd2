"""From a provider's name to a model that answers, with the model ids behind the tiers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conductor_magic.errors import ConductUsageError, RequestRefused
from conductor_magic.limits import EXPECTED_USAGE
from conductor_magic.models.anthropic.client import credentials_present
from conductor_magic.models.anthropic.tiers import TIER_NAMES, TierModel
from conductor_magic.models.base import Model
from conductor_magic.models.seam import standing_in
from conductor_magic.plain import plain
from conductor_magic.settings import Options

__all__ = ["Connection", "capped_money", "check_prices", "connect", "provider_of"]

_REHEARSAL = "A rehearsal: a rule-based stand-in plays the models, no money is spent."
_SCRIPT = "A rehearsal: a script plays the models, no money is spent."
_SCRIPT_TOKENS = 32_000


@dataclass(frozen=True, slots=True)
class Connection:
    """A model ready to be asked.

    Attributes:
        model: the provider.
        models: tier (`haiku`, `sonnet`, `opus`, `conductor`) -> model id.
        source: who named the ids.
        charged: whether requests cost money.
        reply_tokens: tier -> the most tokens that a reply of its model may have.
        notes: what a person should know.
        takes: tier -> what its model takes besides text; see `ToolContext.takes`.
        searches: the server of the haiku tier's model searches the web.
        compacts: ids of the models whose server compacts conversations.
        usual_usd: tier -> what a task of it usually costs; without tiers whose price is not known or not charged.
        prices: the models' prices, as `ModelsResolved` records them.
        standins: tier -> what may take its model's place; see `Tiers.standins`.
    """

    model: Model
    models: Mapping[str, str]
    source: str
    charged: bool
    reply_tokens: Mapping[str, int]
    notes: tuple[str, ...] = ()
    takes: Mapping[str, frozenset[str]] = field(default_factory=lambda: dict.fromkeys(TIER_NAMES, frozenset({"image"})))
    searches: bool = False
    compacts: frozenset[str] = frozenset()
    usual_usd: Mapping[str, float] = field(default_factory=dict[str, float])
    prices: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    standins: Mapping[str, tuple[TierModel, ...]] = field(default_factory=dict[str, tuple[TierModel, ...]])


def provider_of(option: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The provider that an option means, and one plain sentence about it; a stand-in that is held goes before it.

    Raises:
        ConductUsageError: the option asks for Claude and no credential is there.
    """
    if standing_in() is not None:
        return "rehearsal", _SCRIPT
    present = credentials_present(environ)
    if option == "rehearsal":
        return "rehearsal", _REHEARSAL
    if option == "anthropic" and not present:
        raise ConductUsageError(
            "--provider anthropic: no key was found. Set ANTHROPIC_API_KEY, or use --provider rehearsal."
        )
    if present:
        server = environ.get("ANTHROPIC_BASE_URL")
        return "anthropic", f"Claude, through {server}." if server else "Claude, through the Anthropic API."
    return "rehearsal", f"{_REHEARSAL} Set ANTHROPIC_API_KEY to work with Claude."


def capped_money(options: Options) -> str:
    """The caps in dollars, in words; empty when there are none, so that no price has to be known."""
    caps = [] if options.budget is None else [f"the budget of ${plain(options.budget, ',')}"]
    caps += [f"the cap {name}={plain(limit)}" for name, limit in options.caps.items() if name.endswith(".usd")]
    return " and ".join(caps)


def check_prices(provider: str, tiers: Mapping[str, str], capped: str) -> None:
    """See to it that what `capped_money` says can be kept with the models that a person chose.

    Raises:
        ConductUsageError: one of them has no known price, and money is capped.
    """
    if provider != "anthropic" or not capped or not tiers:
        return
    from conductor_magic.models.anthropic.prices import price

    unpriced = sorted({model for model in tiers.values() if price(model) is None})
    if unpriced:
        raise ConductUsageError(_no_price(unpriced, capped))


def _no_price(models: list[str], capped: str) -> str:
    return (
        f"No price is known for {', '.join(models)}, so {capped} cannot be kept. "
        "Say --budget none, or begin a run with a priced model: --tier TIER=MODEL."
    )


async def connect(provider: str, tiers: Mapping[str, str], capped: str) -> Connection:
    """Import the SDK in a thread, make the client, and find out which models stand behind the tiers.

    Raises:
        RequestRefused: the credential cannot be used, or a model has no price and there is `capped` money to keep.
    """
    stand_in = standing_in()
    if stand_in is not None:
        return await asyncio.to_thread(_scripted, stand_in)
    model, charged = await asyncio.to_thread(_client, provider)
    from conductor_magic.models.anthropic.prices import expected_cost, listed, price
    from conductor_magic.models.anthropic.tiers import resolve_tiers

    try:
        resolved = await resolve_tiers(model, tiers)
        models = {tier: resolved[tier].model for tier in ("haiku", "sonnet", "opus", "conductor")}
        unpriced = sorted({name for name in models.values() if await asyncio.to_thread(price, name) is None})
        if charged and capped and unpriced:
            raise RequestRefused(_no_price(unpriced, capped), kind="price_unknown")
    except BaseException:
        await model.aclose()
        raise
    notes = (f"Model ids are the newest that the SDK knows: {resolved.detail}.",) if charged and resolved.detail else ()
    reply = {tier: resolved[tier].max_output_tokens for tier in models}
    takes = {tier: resolved[tier].takes for tier in models}
    # Where the list does not say, Anthropic's own servers do search, and others are not asked to.
    says = resolved["haiku"].searches
    searches = charged and (_is_anthropics(model.client.base_url) if says is None else says)
    compacts = frozenset(resolved[tier].model for tier in models if charged and resolved[tier].compacts)
    usual = {
        tier: usd
        for tier, usage in EXPECTED_USAGE.items()
        if charged and (usd := expected_cost(models[tier], usage)) is not None
    }
    return Connection(
        model,
        models,
        resolved.source,
        charged,
        reply,
        notes,
        takes=takes,
        searches=searches,
        compacts=compacts,
        usual_usd=usual,
        prices=await asyncio.to_thread(listed, models.values()),
        standins=resolved.standins,
    )


def _scripted(model: Model) -> Connection:
    """The connection to a stand-in, under the rehearsal's model ids, so that a run can say what it would have cost."""
    from conductor_magic.models.anthropic.prices import listed
    from conductor_magic.models.rehearsal.transport import MODELS

    models = {**MODELS, "conductor": MODELS["opus"]}
    reply = dict.fromkeys(models, _SCRIPT_TOKENS)
    return Connection(model, models, "the script", False, reply, prices=listed(models.values()))


def _is_anthropics(address: Any) -> bool:
    host = str(getattr(address, "host", ""))
    return host == "anthropic.com" or host.endswith(".anthropic.com")


def _client(provider: str) -> tuple[Any, bool]:
    from conductor_magic.models.anthropic.client import AnthropicModel

    if provider == "rehearsal":
        from conductor_magic.models.rehearsal import rehearsal_client

        # No environment: whatever key or server is set there has no part in a rehearsal.
        nowhere = "http://rehearsal.invalid"
        return AnthropicModel(api_key="rehearsal", base_url=nowhere, http_client=rehearsal_client(), environ={}), False
    return AnthropicModel(), True
