"""The counterfactual: one agent that takes the same turns in one conversation, one task after the other. Pure.

`docs/efficiency.md` states the formula, argues for it and says where it ends. In short: the agent has the goal and the
tools of the workers. It is told each task as the conductor wrote it, once, when its first worker began, and takes that
worker's turns; it asks and reads of the workspace what the conductor did, and gives its answer. It manages no tasks, is
told no notices, is handed no results (they are in its context) and is never compacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from conductor_magic.events import Record, TaskLaunched, WorkerStarted
from conductor_magic.report.measured import Measured, Thread, Turn, message_size
from conductor_magic.report.priced import beyond_tokens, overhead, total, turn_usd, used_cache
from conductor_magic.state import RunState

__all__ = ["Solo", "solo"]

_CLOSING = "Now give the answer."


@dataclass(frozen=True, slots=True)
class Solo:
    """What one agent would have used.

    Attributes:
        turns: requests of its conversation.
        base: tokens of its system prompt, tools and goal.
        peak: its largest context, prompt and reply.
        sent: tokens of all prompts, of tools' own questions too.
        output: tokens of all replies.
        usd: at the price of the model that took each turn, with a cache; None when a price is not known.
        usd_one_model: at the price of the conductor's model throughout; None likewise.
        cached: the run's own replies told of a cache.
    """

    turns: int
    base: int
    peak: int
    sent: int
    output: int
    usd: float | None
    usd_one_model: float | None
    cached: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """One turn: the model that took it, tokens that it was told before, of its reply, and that it adds in all.

    `extra` is what it cost beyond its tokens (searches of the provider); None when that is not known.
    """

    model: str
    told: float
    output: float
    gained: float
    extra: float | None


def solo(records: Iterable[Record], state: RunState, found: Measured, ratio: float) -> Solo | None:
    """What one agent would have used; None when no worker took a turn.

    Args:
        records: the run's records.
        state: their fold.
        found: its conversations.
        ratio: tokens of a byte of text.
    """
    workers = [thread for by, thread in found.threads.items() if by != "conductor" and thread.turns]
    if not workers:
        return None
    conductor = found.of("conductor")
    told = _told(records, state)
    parts = [(turn.seq, [step]) for turn, step in _decisions(conductor, found, ratio)]
    for by, thread in found.threads.items():
        if by != "conductor" and thread.turns:
            parts.append((thread.began or thread.turns[0].seq, _worker(thread, found, told.get(by, 0), ratio)))
    steps = [step for _, several in sorted(parts, key=lambda part: part[0]) for step in several]
    closing = [_whole(conductor, place, found, ratio) for place in _closing(conductor)]
    steps += _after(closing, ratio * message_size(_CLOSING))
    base = max(overhead(thread, ratio) for thread in workers) + ratio * _goal(state)
    asides = [turn for thread in workers for turn in thread.asides]
    conductors = conductor.turns[-1].model if conductor.turns else ""
    prompt, peak, sent, before = base, 0.0, 0.0, 0.0
    own = one = total(turn.usd for turn in asides)
    for step in steps:
        prompt += step.told
        peak, sent = max(peak, prompt + step.output), sent + prompt
        own = total((own, turn_usd(found, step.model, prompt, before, step.output, step.extra)))
        one = total((one, turn_usd(found, conductors, prompt, before, step.output, step.extra)))
        before, prompt = prompt, prompt + step.gained
    return Solo(
        turns=len(steps),
        base=round(base),
        peak=round(peak),
        sent=round(sent) + sum(turn.prompt for turn in asides),
        output=round(sum(step.output for step in steps)) + sum(turn.output for turn in asides),
        usd=own,
        usd_one_model=one,
        cached=used_cache(found),
    )


def _told(records: Iterable[Record], state: RunState) -> dict[str, int]:
    """Worker -> bytes of what one agent is told with its turns: the task as it was launched, and nothing of a retry."""
    launched: dict[str, str] = {}
    known: dict[str, str] = {}
    found: dict[str, int] = {}
    for record in records:
        event = record.event
        if isinstance(event, TaskLaunched):
            launched[event.task] = event.prompt
        elif isinstance(event, WorkerStarted):
            task = state.tasks.get(event.task)
            text = launched.get(event.task, "") or (task.description if task else "")
            if known.get(event.task) != text:
                known[event.task], found[event.worker] = text, message_size(text)
    return found


def _goal(state: RunState) -> int:
    """Bytes of the goal, the workspace and the variables, as the conductor was told them."""
    started = state.started
    if started is None:
        return 0
    variables = "\n".join(str(variable.get("text", "")) for variable in started.variables)
    return message_size(f"GOAL\n{started.goal}\n\nWORKSPACE\n{started.workspace}\n\n{variables}")


def _worker(thread: Thread, found: Measured, told: int, ratio: float) -> list[_Step]:
    steps = [_whole(thread, place, found, ratio) for place in range(len(thread.turns))]
    return _after(steps, ratio * told)


def _after(steps: Sequence[_Step], told: float) -> list[_Step]:
    """The steps, after so many tokens were told."""
    return [replace(steps[0], told=told), *steps[1:]] if steps else []


def _whole(thread: Thread, place: int, found: Measured, ratio: float) -> _Step:
    turn = thread.turns[place]
    return _Step(turn.model, 0.0, turn.output, thread.gained(place, ratio), beyond_tokens(found, turn))


def _decisions(conductor: Thread, found: Measured, ratio: float) -> list[tuple[Turn, _Step]]:
    """The conductor's turns in which it asked the person or read the workspace, without what else it called in them."""
    steps: list[tuple[Turn, _Step]] = []
    for place, turn in enumerate(conductor.turns):
        if not any(part.use in found.decisions for part in turn.said if part.use):
            continue
        kept = [part for part in turn.said if not part.use or part.use in found.decisions]
        whole = sum(part.bytes for part in turn.said)
        if len(kept) == len(turn.said):
            steps.append((turn, _whole(conductor, place, found, ratio)))
            continue
        output = turn.output * sum(part.bytes for part in kept) / whole
        heard = ratio * sum(part.bytes for part in turn.heard if part.use in found.decisions)
        steps.append((turn, _Step(turn.model, 0.0, output, output + heard, beyond_tokens(found, turn))))
    return steps


def _closing(conductor: Thread) -> Sequence[int]:
    """Places of the conductor's last turns, in which it called nothing more: its answer, and the value of it."""
    first = last = len(conductor.turns)
    while first and (said := conductor.turns[first - 1].said) and not any(part.use for part in said):
        first -= 1
        if first and any(part.about == "notices" for part in conductor.turns[first - 1].heard):
            break
    return range(first, last)
