"""What one would write without Conductor: asyncio, a semaphore, and the SDK's own stream."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from anthropic import AsyncAnthropic

__all__ = ["play"]

TOOL: dict[str, Any] = {
    "name": "Read",
    "description": "Read a file.",
    "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]},
}


async def play(graph: dict[str, tuple[str, ...]], calls: int, slots: int, workspace: Path, base_url: str) -> int:
    """Run the graph; returns how many requests were made."""
    async with AsyncAnthropic(api_key="placeholder", base_url=base_url) as client:
        gate = asyncio.Semaphore(slots)
        done = {task: asyncio.Event() for task in graph}
        made = 0

        async def work(task: str) -> None:
            nonlocal made
            for blocker in graph[task]:
                await done[blocker].wait()
            async with gate:
                prompt = f"{task}, {'two calls' if calls == 2 else 'one call'}"
                messages: list[Any] = [{"role": "user", "content": prompt}]
                while True:
                    made += 1
                    async with client.messages.stream(
                        model="claude-haiku-5-5", max_tokens=8_000, messages=messages, tools=[TOOL]
                    ) as stream:
                        reply = await stream.get_final_message()
                    if reply.stop_reason != "tool_use":
                        break
                    results = [
                        {
                            "type": "tool_result",
                            "tool_use_id": block.id,
                            "content": (workspace / str(block.input["file_path"])).read_text(),
                        }
                        for block in reply.content
                        if block.type == "tool_use"
                    ]
                    messages += [{"role": "assistant", "content": reply.content}, {"role": "user", "content": results}]
            done[task].set()

        await asyncio.gather(*(work(task) for task in graph))
        return made
