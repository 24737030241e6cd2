"""Prices: the arithmetic equals genai-prices', and a reservation is never smaller than the bill."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_magic.models.anthropic.prices import (
    cost,
    estimate_tokens,
    largest_max_tokens,
    price,
    prices_date,
    worst_case,
)
from conductor_magic.models.base import Request

MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5", "claude-sonnet-4-6")
COUNTS = st.integers(0, 300_000)


@pytest.mark.parametrize(
    ("model", "prompt", "per_million"),
    [
        ("claude-haiku-5-5", 100_000, (0.10, 0.50, 0.125, 0.01)),
        ("claude-haiku-5-5", 100_001, (0.50, 2.50, 0.625, 0.05)),
        ("claude-haiku-5-5-20261001", 5, (0.10, 0.50, 0.125, 0.01)),
        ("claude-sonnet-5-5", 900_000, (2, 10, 2.5, 0.10)),
        ("claude-opus-5-5", 900_000, (4, 20, 5, 0.20)),
        ("claude-haiku-4-5", 1000, (1, 5, 1.25, 0.1)),
        ("claude-sonnet-4-6", 1000, (3, 15, 3.75, 0.3)),
        ("claude-opus-4-8", 1000, (5, 25, 6.25, 0.5)),
    ],
)
def test_the_price_table(model: str, prompt: int, per_million: tuple[float, ...]) -> None:
    """Input, output, cache write and cache read of each line, on both sides of the long-prompt threshold."""
    found = price(model)
    assert found is not None
    rates = found.rates(prompt)
    asked = (rates.input, rates.output, rates.cache_write, rates.cache_read)
    assert tuple(float(rate * 1_000_000) for rate in asked) == per_million


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    fresh=COUNTS,
    output=COUNTS,
    read=COUNTS,
    written=st.tuples(COUNTS, COUNTS),
    searches=st.integers(0, 20),
)
def test_cost_equals_genai_prices(
    model: str, fresh: int, output: int, read: int, written: tuple[int, int], searches: int
) -> None:
    """Any usage costs what the package's own calculation says."""
    from genai_prices import extract_usage

    usage: dict[str, Any] = {
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": sum(written),
        "cache_creation": {"ephemeral_5m_input_tokens": written[0], "ephemeral_1h_input_tokens": written[1]},
        "server_tool_use": {"web_search_requests": searches},
    }
    theirs = extract_usage({"model": model, "usage": usage}, provider_id="anthropic").calc_price().total_price
    assert cost(model, usage) == float(theirs)


@settings(max_examples=300, deadline=None)
@given(model=st.sampled_from(MODELS), bound=COUNTS, max_tokens=COUNTS, data=st.data())
def test_the_worst_case_is_the_worst(model: str, bound: int, max_tokens: int, data: st.DataObject) -> None:
    """However the prompt's tokens fall into fresh, read and written ones, the bill is within the reservation."""
    prompt = data.draw(st.integers(0, bound))
    read = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt - read))
    usage = {
        "input_tokens": prompt - read - written,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": data.draw(st.integers(0, max_tokens)),
    }
    bill, reserved = cost(model, usage), worst_case(model, bound, max_tokens)
    assert bill is not None
    assert reserved is not None
    assert bill <= reserved


def test_the_worst_case_of_a_long_prompt_uses_its_tier() -> None:
    """One token over the threshold makes every token dear."""
    assert worst_case("claude-haiku-5-5", 100_000, 1000) == pytest.approx(100_000 * 0.125e-6 + 1000 * 0.5e-6)
    assert worst_case("claude-haiku-5-5", 100_001, 1000) == pytest.approx(100_001 * 0.625e-6 + 1000 * 2.5e-6)


@settings(max_examples=300, deadline=None)
@given(model=st.sampled_from(MODELS), prompt=COUNTS, usd=st.floats(0, 20, allow_nan=False))
def test_shrinking_fits_exactly(model: str, prompt: int, usd: float) -> None:
    """The largest `max_tokens` fits, and one more does not."""
    most = largest_max_tokens(model, prompt, usd)
    found, over = worst_case(model, prompt, most), worst_case(model, prompt, most + 1)
    assert found is not None
    assert over is not None
    assert found <= usd or most == 0
    assert Decimal(over) >= Decimal(usd)


@pytest.mark.parametrize("model", ["qwen3-coder", "gpt-5", "claude-opus-99", "", "eu.anthropic.claude-opus-5-5"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    """No price is guessed, and nothing fits into a budget."""
    assert price(model) is None
    assert cost(model, {"input_tokens": 1, "output_tokens": 1}) is None
    assert worst_case(model, 1, 1) is None
    assert largest_max_tokens(model, 1, 100.0) == 0


def test_missing_counts_are_zero() -> None:
    """A usage object may lack every field, or carry nulls."""
    assert cost("claude-haiku-5-5", {}) == 0.0
    assert cost("claude-haiku-5-5", {"output_tokens": 2_000_000, "cache_creation": None}) == 1.0


def test_the_date_of_the_prices() -> None:
    """The table says how new it is at least."""
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", prices_date())
    assert prices_date() >= "2026-10-14"


def request(*messages: Any, **fields: Any) -> Request:
    """A request with these messages."""
    return Request(**{"model": "m", "system": (), "tools": (), "messages": messages, "max_tokens": 1, **fields})


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_estimate_is_at_least_a_token_for_every_byte(words: str) -> None:
    """Whatever the script, the bound covers a tokenizer that splits down to single bytes, and the API's own words."""
    asked = request({"role": "user", "content": words}, system=({"type": "text", "text": words},))
    assert estimate_tokens(asked) >= 2 * len(words.encode()) + 1000


def test_the_estimate_counts_tools_and_schema() -> None:
    """Tool definitions and an output schema are part of the prompt."""
    tool = {"name": "Bash", "description": "d" * 500, "input_schema": {"type": "object"}}
    schema = {"type": "object", "description": "s" * 300}
    plain = estimate_tokens(request())
    assert estimate_tokens(request(tools=(tool,))) >= plain + len(json.dumps(tool, separators=(",", ":")))
    assert estimate_tokens(request(schema=schema)) >= plain + 300


def test_a_picture_counts_at_a_fixed_bound() -> None:
    """Neither a large nor a small picture's bytes matter, also inside a tool result."""

    def shown(data: str) -> int:
        source = {"type": "base64", "media_type": "image/png", "data": data}
        result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": source}]}
        return estimate_tokens(request({"role": "user", "content": [result]}))

    assert shown("A" * 4_000_000) == shown("AAAA")
    assert 8_000 < shown("AAAA") < 10_000


def test_what_the_provider_has_counted_is_not_estimated_again() -> None:
    """With the earlier count, only the new messages are bounded by their bytes."""
    old = {"role": "user", "content": "x" * 40_000}
    new = {"role": "user", "content": "y" * 100}
    bound = estimate_tokens(request(old, new), counted_messages=1, counted_tokens=10_000)
    assert 11_100 <= bound < 11_200
