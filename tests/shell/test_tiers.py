"""Tiers: the provider's list decides, a person's override beats it, and without a list the SDK's ids do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from conductor_magic.errors import ConductUsageError
from conductor_magic.models.anthropic.client import AnthropicModel
from conductor_magic.models.anthropic.tiers import TierModel, Tiers, resolve_tiers
from conductor_magic.models.scripted import ScriptedModel
from tests.support.messages_server import MessagesServer, text


def listed(model: str, line: str | None, created: str, **fields: Any) -> dict[str, Any]:
    """One item of the provider's list."""
    made = {"type": "model", "id": model, "display_name": model, "created_at": created, "lifecycle": "active"}
    return {**made, "line": line, **fields}


LISTED = [
    listed("claude-haiku-6", "haiku", "2027-01-01T00:00:00Z", max_input_tokens=1_000_000, max_tokens=128_000),
    listed("claude-haiku-5-5", "haiku", "2026-10-01T00:00:00Z"),
    listed("claude-opus-7", "opus", "2027-03-01T00:00:00Z", lifecycle="deprecated"),
    listed("claude-opus-6", "opus", "2027-02-01T00:00:00Z", max_input_tokens=500_000),
    listed("claude-fable-9", "fable", "2027-02-01T00:00:00Z"),
    listed("claude-sonnet-5-5", "sonnet", "2026-11-01T00:00:00Z", max_tokens=64_000),
    listed("claude-sonnet-5", "sonnet", "2026-02-01T00:00:00Z"),
]


def resolve(models: list[dict[str, Any]] | None, overrides: Mapping[str, str] | None = None) -> Tiers:
    """The tiers at a server with this list."""

    async def scenario(url: str) -> Tiers:
        model = AnthropicModel(api_key="key", base_url=url)
        try:
            return await resolve_tiers(model, overrides or {})
        finally:
            await model.aclose()

    with MessagesServer(lambda _body, _n: text("unused"), models=models) as server:
        return asyncio.run(scenario(server.url))


def test_the_newest_active_model_of_each_line() -> None:
    """All pages are read; deprecated models and other lines are passed over; limits come along; conductor is opus."""
    opus = TierModel("claude-opus-6", "models.list", context_window=500_000)
    assert resolve(LISTED) == Tiers(
        haiku=TierModel("claude-haiku-6", "models.list", 1_000_000, 128_000),
        sonnet=TierModel("claude-sonnet-5-5", "models.list", max_output_tokens=64_000),
        opus=opus,
        conductor=opus,
        source="models.list",
    )


def test_overrides() -> None:
    """An override beats the list and keeps a listed model's limits; the conductor follows opus or has its own."""
    tiers = resolve(LISTED, {"opus": "qwen-max", "haiku": "claude-sonnet-5-5"})
    assert tiers.conductor == tiers.opus == TierModel("qwen-max", "override")
    assert tiers.haiku == TierModel("claude-sonnet-5-5", "override", max_output_tokens=64_000)
    assert resolve(LISTED, {"conductor": "mine"})["conductor"].model == "mine"


@pytest.mark.parametrize(
    ("capabilities", "takes"),
    [
        ({"image_input": {"supported": True}, "pdf_input": {"supported": True}}, {"image", "document"}),
        ({"image_input": {"supported": False}, "pdf_input": {"supported": False}}, set()),
        ({"pdf_input": {"supported": True}}, {"image", "document"}),
        ({}, {"image"}),
        (None, {"image"}),
        ("anything", {"image"}),
    ],
)
def test_what_a_model_takes_besides_text(capabilities: object, takes: set[str]) -> None:
    """The list says it; where it does not, images are taken and documents are not."""
    (model,) = [listed("claude-haiku-6", "haiku", "2027-01-01T00:00:00Z", capabilities=capabilities)]
    assert resolve([model]).haiku.takes == takes
    assert resolve(None, {"haiku": "mine"}).haiku.takes == {"image"}


def test_an_unknown_tier_is_a_usage_error() -> None:
    """The line names the tier and the ones that exist."""
    with pytest.raises(ConductUsageError, match=r"no tier 'gpt'.*haiku, sonnet, opus, conductor"):
        asyncio.run(resolve_tiers(None, {"gpt": "x"}))
    with pytest.raises(KeyError):
        resolve(LISTED)["source"]


def test_without_a_list_the_sdk_knows() -> None:
    """A server without /v1/models: the newest id of each line in the SDK, careful limits, and the reason."""
    tiers = resolve(None)
    assert (tiers.source, tiers.haiku.source) == ("offline", "offline")
    assert "not found" in (tiers.detail or "")
    assert (tiers.haiku.context_window, tiers.haiku.max_output_tokens) == (200_000, 32_000)
    for line in ("haiku", "sonnet", "opus"):
        version = [int(part) for part in tiers[line].model.removeprefix(f"claude-{line}-").split("-")]
        assert version >= [5, 5]


def test_a_list_without_lines_counts_as_offline() -> None:
    """Compatible servers list models with nothing but an id."""
    tiers = resolve([{"id": "llama", "object": "model"}, {"id": "qwen"}], {"sonnet": "qwen"})
    assert (tiers.source, tiers.detail) == ("offline", "the server's models carry no line")
    assert (tiers.sonnet.model, tiers.haiku.source) == ("qwen", "offline")


def test_a_model_that_is_no_client_is_offline() -> None:
    """A scripted model has no list; the tiers resolve all the same."""
    tiers = asyncio.run(resolve_tiers(ScriptedModel([]), {}))
    assert (tiers.source, tiers.opus) == ("offline", tiers.conductor)


def test_a_slow_list_is_not_waited_for() -> None:
    """The list has a time limit of its own."""

    class Silent:
        """A client whose list never comes."""

        @property
        def models(self) -> Silent:
            """Itself."""
            return self

        async def list(self, **_options: Any) -> Any:
            """Never ends."""
            await asyncio.Event().wait()
            yield

    tiers = asyncio.run(resolve_tiers(Silent(), {}, seconds=0.05))
    assert tiers.source == "offline"
    assert tiers.detail
