"""What the conductor's context is made of, at its fullest. Pure; all but the whole is estimated from recorded texts."""

from __future__ import annotations

from conductor_magic.report.measured import Part, Thread

__all__ = ["PARTS", "context_parts"]

PARTS = {
    "prompt": "system prompt and goal",
    "tools": "tool schemas",
    "management": "task management",
    "notices": "notices",
    "decisions": "questions and answers",
    "reading": "guides and outputs read",
    "record": "kept by compaction",
    "replies": "its own words",
}
"""What a context has in it, and in words."""

_KIND = {"said": "replies", "AskUserQuestion": "decisions", "Read": "reading"}


def context_parts(conductor: Thread, ratio: float) -> dict[str, int]:
    """Part -> tokens of the conductor's largest context; they add up to it.

    The schemas have their share of its first prompt by bytes; where theirs were not recorded, what that has beyond its
    texts at `ratio` tokens a byte. The rest is shared out by bytes. Empty when no request of it was counted.
    """
    if not conductor.peak:
        return {}
    first, texts = conductor.turns[0].prompt, conductor.system + conductor.opening
    if conductor.schemas:
        tools = round(first * conductor.schemas / (conductor.schemas + texts))
    else:
        tools = max(0, first - round(ratio * texts))
    sizes = dict.fromkeys(PARTS, 0)
    sizes["prompt"] = texts
    begun = dict(sizes)
    for turn in conductor.turns:
        fullest = turn.context == conductor.peak
        for part in turn.said:
            sizes[_name(part)] += part.bytes
        if fullest:
            break
        if turn.compacted:
            sizes = dict(begun)
            for part in turn.left:
                sizes[_name(part)] += part.bytes
            # The first message holds the conductor's own, which is counted above.
            sizes["record"] = max(0, sizes["record"] - conductor.opening)
        else:
            for part in turn.heard:
                sizes[_name(part)] += part.bytes
    return {"tools": tools, **_shares(sizes, max(0, conductor.peak - tools))} if any(sizes.values()) else {}


def _name(part: Part) -> str:
    if part.kind != "told":
        return _KIND.get(part.kind, "management")
    return "record" if part.about == "record" else "notices"


def _shares(sizes: dict[str, int], tokens: int) -> dict[str, int]:
    """The tokens by the sizes, to the last of them."""
    sizes = {name: size for name, size in sizes.items() if name != "tools" and size}
    whole, given, used = sum(sizes.values()), {}, 0
    passed = 0
    for name, size in sizes.items():
        passed += size
        given[name] = tokens * passed // whole - used
        used += given[name]
    return given
