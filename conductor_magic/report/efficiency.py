"""The token report: what stayed out of the conductor's context, measured. Pure.

All figures come from `request.ended` records, but for the sizes in `compactions`, which are estimates. For the
counterfactual, one agent is imagined that takes the same turns in one conversation, one task after the other:

* the *growth* of a conversation is its last context (prompt and reply of its last request) minus its first prompt, and
  likewise up to each compaction, and from the first prompt after it;
* `solo_context` is the conductor's first prompt, plus each worker's first prompt less the smallest of them (the system
  prompt and tools, which one agent would carry once), plus all growths;
* `solo_overflows` says whether that is more than the conductor's window.

It leaves out what one agent would say in between, so it is a lower bound; it is computed, not measured, and named so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conductor_magic.events import ContextCompacted, Record, RequestEnded
from conductor_magic.state import RunState

__all__ = ["efficiency"]

Json = dict[str, Any]


@dataclass(slots=True)
class _Thread:
    first: int = 0
    begun: int = 0
    last: int = 0
    grown: int = 0
    peak: int = 0
    tokens: int = 0
    cached: int = 0
    prompts: int = 0

    def add(self, event: RequestEnded) -> None:
        prompt = event.input_tokens + event.cache_read_tokens + event.cache_write_tokens
        context = prompt + event.output_tokens
        if not event.aside:
            self.first = self.first or prompt
            self.begun = self.begun or prompt
            self.last = context
            self.peak = max(self.peak, context)
        self.tokens += context
        self.cached += event.cache_read_tokens
        self.prompts += prompt

    def compact(self) -> None:
        self.grown = self.growth
        self.begun = self.last = 0

    @property
    def growth(self) -> int:
        return self.grown + max(0, self.last - self.begun)


def efficiency(records: Iterable[Record], state: RunState) -> Json:
    """The report as JSON, its figures named as above; `note` says in words whether delegation paid."""
    threads: dict[str, _Thread] = {}
    for record in records:
        if isinstance(record.event, RequestEnded):
            threads.setdefault(record.event.by, _Thread()).add(record.event)
        elif isinstance(record.event, ContextCompacted):
            threads.setdefault(record.event.by, _Thread()).compact()
    conductor = threads.pop("conductor", _Thread())
    overhead = min((thread.first for thread in threads.values()), default=0)
    growth = sum(thread.growth for thread in (conductor, *threads.values()))
    prompts = sum(thread.first - overhead for thread in threads.values())
    solo = conductor.first + prompts + growth
    window = state.started.context_window if state.started else 0
    saved = solo - conductor.peak
    all_prompts = conductor.prompts + sum(thread.prompts for thread in threads.values())
    cached = conductor.cached + sum(thread.cached for thread in threads.values())
    return {
        "conductor": {"peak_tokens": conductor.peak, "tokens": conductor.tokens},
        "workers": [
            {
                "worker": name,
                "task": state.workers[name].task,
                "tier": state.workers[name].tier,
                "peak_tokens": thread.peak,
                "tokens": thread.tokens,
            }
            for name, thread in threads.items()
            if name in state.workers
        ],
        "compactions": [
            {"by": event.by, "before": event.before, "after": event.after, "kept": list(event.kept)}
            for record in state.compactions
            if isinstance(event := record.event, ContextCompacted)
        ],
        "worker_tokens": sum(thread.tokens for thread in threads.values()),
        "cache_hit_share": cached / all_prompts if all_prompts else 0.0,
        "solo_context": solo,
        "solo_overflows": solo > window,
        "saved": saved,
        "estimated": state.spend.estimated,
        "note": _note(conductor.peak, solo, saved, bool(threads)),
    }


def _note(peak: int, solo: int, saved: int, delegated: bool) -> str:
    if not delegated:
        return "Nothing was delegated."
    if saved <= 0:
        return (
            f"Delegation did not pay here: the conductor's context reached {peak:,} tokens, "
            f"one agent doing the same turns would have reached about {solo:,}."
        )
    return (
        f"The conductor's context reached {peak:,} tokens; "
        f"one agent doing the same turns would have reached about {solo:,}."
    )
