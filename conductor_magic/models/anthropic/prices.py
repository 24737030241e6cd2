"""What a request costs, and what it could cost at most, from the price table of genai-prices.

The table is that package's; the arithmetic here is the same (a test compares them) at a hundredth of its time, because
every reply is priced. A prompt over a threshold pays the higher rate for all of its tokens and for its reply.

A model that the table does not know has no price: every function says so (None, or no tokens at all) and guesses none.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from conductor_magic.media import KEPT, token_bound

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices

    from conductor_magic.models.base import Json, Request

__all__ = [
    "Price",
    "Rates",
    "cost",
    "estimate_tokens",
    "expected_cost",
    "largest_max_tokens",
    "listed",
    "most_searches",
    "price",
    "prices_date",
    "worst_case",
]

_PROVIDER = "anthropic"
# What the API adds to a prompt unseen: its own words about tools and about structured output, a few hundred tokens.
_HIDDEN_TOKENS = 1_000
# More than the pages that one search of the provider puts into a prompt.
_SEARCH_TOKENS = 60_000


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per token, and per web search."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    web_search: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price: `steps` are (prompt tokens above which they hold, rates), from the lowest threshold up."""

    model: str
    steps: tuple[tuple[int, Rates], ...]

    def rates(self, prompt_tokens: int) -> Rates:
        """The rates for a prompt of this many tokens, cached ones included."""
        found = self.steps[0][1]
        for above, rates in self.steps[1:]:
            if prompt_tokens > above:
                found = rates
        return found


def price(model: str) -> Price | None:
    """A model's price today, or None when the table does not know the model."""
    return _price_on(model, datetime.now(UTC).date())


def listed(models: Iterable[str]) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Today's prices of these models, as `ModelsResolved.prices` records them."""
    found = {model: price(model) for model in models}
    return {
        model: tuple((float(above), *_per_million(rates)) for above, rates in known.steps)
        for model, known in found.items()
        if known is not None
    }


def _per_million(rates: Rates) -> tuple[float, float, float, float]:
    """Input, output, cache read and cache write."""
    million = 1_000_000
    return (
        float(rates.input * million),
        float(rates.output * million),
        float(rates.cache_read * million),
        float(rates.cache_write * million),
    )


def cost(model: str, usage: Json) -> float | None:
    """What a reply cost, in US dollars.

    Args:
        model: the model id.
        usage: the API's usage object (`Reply.raw_usage`); what is missing counts as 0.

    Returns:
        None when the model has no price.
    """
    found = price(model)
    if found is None:
        return None
    fresh, output = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    written, read = usage.get("cache_creation_input_tokens") or 0, usage.get("cache_read_input_tokens") or 0
    written_1h = min(written, (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0)
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    rates = found.rates(fresh + written + read)
    return float(
        fresh * rates.input
        + (written - written_1h) * rates.cache_write
        + written_1h * rates.cache_write_1h
        + read * rates.cache_read
        + output * rates.output
        + searches * rates.web_search
    )


def expected_cost(model: str, usage: Mapping[str, int]) -> float | None:
    """What a task of this usage (`input`, `written`, `read`, `output`) costs; None when the model has no price."""
    return cost(
        model,
        {
            "input_tokens": usage["input"],
            "cache_creation_input_tokens": usage["written"],
            "cache_read_input_tokens": usage["read"],
            "output_tokens": usage["output"],
        },
    )


def worst_case(model: str, input_tokens: int, max_tokens: int, searches: int = 0) -> float | None:
    """The most that a request can cost, in US dollars: no cache hit, all written to the cache, the reply full.

    Args:
        model: the model id.
        input_tokens: an upper bound of the prompt's tokens (`estimate_tokens`).
        max_tokens: the request's `max_tokens`.
        searches: how often the provider may search the web for it (`most_searches`).

    Returns:
        None when the model has no price.
    """
    found = price(model)
    if found is None:
        return None
    per_input, per_output = _dearest(found, input_tokens)
    return float(input_tokens * per_input + max_tokens * per_output + searches * found.steps[0][1].web_search)


def largest_max_tokens(model: str, input_tokens: int, usd: float, searches: int = 0) -> int:
    """The largest `max_tokens` whose worst case fits into `usd`; 0 when none does or the model has no price."""
    found = price(model)
    if found is None:
        return 0
    per_input, per_output = _dearest(found, input_tokens)
    left = Decimal(usd) - input_tokens * per_input - searches * found.steps[0][1].web_search
    return max(0, math.floor(left / per_output))


def most_searches(request: Request) -> int:
    """How often the provider may search the web while it answers a request."""
    return sum(tool.get("max_uses") or 1 for tool in request.tools if _searches_the_web(tool))


def _searches_the_web(tool: Json) -> bool:
    return str(tool.get("type", "")).startswith("web_search_")


def estimate_tokens(request: Request, *, counted_messages: int = 0, counted_tokens: int = 0) -> int:
    """An upper bound of the prompt's tokens, for reserving money; never an under-count, often three times too much.

    One token for every byte of the request's JSON: the tokenizers split UTF-8 bytes, so no token is shorter than one,
    and digits and rare scripts do come close to that. JSON's own quotes and escapes cover what the API puts around
    blocks and tools. A picture counts by its pixels and a PDF by its pages, as `media.token_bound` says. A search by
    the provider counts at a bound for what it brings in.

    Args:
        request: what is about to be sent.
        counted_messages: how many of its first messages the provider has counted already, in an earlier request with
            the same system prompt and tools.
        counted_tokens: that count: the earlier reply's `usage.context_tokens`, plus its `output_tokens` if
            `counted_messages` includes that reply.
    """
    from pydantic_core import to_json

    parts: list[object] = [request.messages[counted_messages:], request.schema]
    if not counted_messages:
        parts += [request.system, request.tools]
    tokens = 0
    for part in parts:
        bound, data = _media(part)
        tokens += len(to_json(part)) - data + bound
    return counted_tokens + tokens + most_searches(request) * _SEARCH_TOKENS + _HIDDEN_TOKENS


def _media(part: object) -> tuple[int, int]:
    """What the pictures and documents in a part of a request count at most, and how many bytes their data is."""
    if isinstance(part, (list, tuple)):
        found = [_media(item) for item in part]
        return sum(bound for bound, _ in found), sum(size for _, size in found)
    if not isinstance(part, dict):
        return 0, 0
    source = part.get("source")
    if isinstance(source, dict) and source.get("type") == KEPT:
        return source["tokens"], 0
    if isinstance(source, dict) and source.get("type") == "base64":
        data = source.get("data") or ""
        return token_bound(base64.b64decode(data), source.get("media_type", "")), len(data)
    return _media(part.get("content"))


@lru_cache(maxsize=1)
def prices_date() -> str:
    """The date of the newest price in the table that has one, as `2026-10-14`: the table is not older than that."""
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import ConditionalPrice, StartDateConstraint

    today = datetime.now(UTC).date()
    dates = {date.min}
    for model in (model for provider in get_snapshot().providers for model in provider.models):
        dated = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
        for entry in dated:
            rule = entry.constraint if isinstance(entry, ConditionalPrice) else getattr(entry, "constraint", None)
            if isinstance(rule, StartDateConstraint) and rule.start_date <= today:
                dates.add(rule.start_date)
    return max(dates).isoformat()


def _dearest(found: Price, input_tokens: int) -> tuple[Decimal, Decimal]:
    """The highest input and output rates that a prompt of at most this many tokens can meet."""
    met = [rates for above, rates in found.steps if input_tokens > above or above == 0]
    return (
        max(max(rates.input, rates.cache_write, rates.cache_read) for rates in met),
        max(rates.output for rates in met),
    )


@lru_cache(maxsize=256)
def _price_on(model: str, day: date) -> Price | None:
    """A model's price on a day; kept, because finding it takes 0.2 ms and the import 0.3 s."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, _PROVIDER, None)
    except LookupError:
        return None
    prices = found.get_prices(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    thresholds = {0} | {tier.start for value in vars(prices).values() for tier in getattr(value, "tiers", ())}
    return Price(model, tuple((above, _rates(prices, above)) for above in sorted(thresholds)))


def _rates(prices: ModelPrice, above: int) -> Rates:
    """The rates of a prompt just over a threshold. A price that a model lacks is that of the plainer kind of token."""
    fresh = _per_token(prices.input_mtok, above) or Decimal(0)
    written = _per_token(prices.cache_write_mtok, above) or fresh
    return Rates(
        input=fresh,
        output=_per_token(prices.output_mtok, above) or Decimal(0),
        cache_write=written,
        cache_write_1h=_per_token(prices.cache_write_1h_mtok, above) or written,
        cache_read=_per_token(prices.cache_read_mtok, above) or fresh,
        web_search=(_per_token(prices.web_searches_kcount, above) or Decimal(0)) * 1_000,
    )


def _per_token(value: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    """Dollars for one token, from dollars for a million."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return value / 1_000_000
    chosen = value.base
    for tier in value.tiers:
        if above >= tier.start:
            chosen = tier.price
    return chosen / 1_000_000
