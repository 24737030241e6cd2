"""Puts a run's engine together from its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from conductor_magic.conductor import Conductor
from conductor_magic.connect import Connection
from conductor_magic.engine import Bench, Engine
from conductor_magic.guides import guide_names, read_guide
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.models.anthropic.limiter import RateLimiter
from conductor_magic.models.calls import Caller, Conversation
from conductor_magic.paths import Reach
from conductor_magic.prompts import CONDUCTOR, conductor_prompt
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.returns import ReturnType
from conductor_magic.sandbox import Walls
from conductor_magic.settings import Options
from conductor_magic.tools.conductor import DEFINITIONS
from conductor_magic.tools.worker import worker_tools

__all__ = ["assemble"]


def assemble(
    journal: Journal,
    connection: Connection,
    options: Options,
    walls: Walls,
    redactor: Redactor,
    questions: Questions,
    limits: Limits,
    returns: ReturnType | None,
    on_text: Callable[[str, str], None] | None,
) -> Engine:
    """The engine of a run whose journal has begun."""
    started = journal.state.started
    assert started is not None
    folder = journal.path.parent
    workspace = Path(started.workspace)
    artifacts = folder / "artifacts"
    artifacts.mkdir(mode=0o700, exist_ok=True)
    variables = folder / "variables"
    # The conductor and every worker may be waiting for a reply at once.
    limiter = RateLimiter(started.workers + 1, Random())
    caller = Caller(journal, connection.model, limiter, charged=connection.charged)
    reach = Reach(workspace, hidden=walls.hidden)
    guides = [(name, read_guide(name).summary) for name in guide_names()]
    prompt = conductor_prompt(
        started.goal, started.workspace, started.variables, guides, started.guide, started.workers
    )
    most = min(limits.reply_tokens, connection.reply_tokens["conductor"])
    conversation = Conversation("conductor", connection.models["conductor"], CONDUCTOR, DEFINITIONS, most)
    conductor = Conductor(conversation, redactor.text(prompt), caller, journal, reach, redactor, questions.put, limits)
    read_only = options.mode == "read-only"
    bench = Bench(
        tools=worker_tools(read_only),
        models=connection.models,
        reply_tokens=connection.reply_tokens,
        workspace=workspace,
        artifacts=artifacts,
        walls=walls,
        read_only=read_only,
        variables=variables if variables.exists() else None,
    )
    return Engine(journal, caller, conductor, bench, redactor, limits, returns, on_text)
