"""Puts a run's engine together from its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from conductor_magic.access import Access
from conductor_magic.attempt import Bench
from conductor_magic.compactor import Compactor
from conductor_magic.conductor import Conductor
from conductor_magic.connect import Connection
from conductor_magic.engine import Engine
from conductor_magic.events import RunNoted
from conductor_magic.gate import PermissionGate
from conductor_magic.guides import SHARED, find_guides
from conductor_magic.journal import Journal
from conductor_magic.limits import Limits
from conductor_magic.models.anthropic.limiter import RateLimiter
from conductor_magic.models.calls import Caller
from conductor_magic.models.conversation import Conversation
from conductor_magic.models.standins import Standins
from conductor_magic.models.web_search import ProviderSearch
from conductor_magic.paths import Reach
from conductor_magic.permissions import Rule
from conductor_magic.prompts import CONDUCTOR, PAGE_READER, conductor_prompt
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.returns import ReturnType
from conductor_magic.sandbox import Walls
from conductor_magic.settings import SHARING
from conductor_magic.settling import JournalLedger, Settler
from conductor_magic.shadows import Shadows
from conductor_magic.tools.conductor import DEFINITIONS
from conductor_magic.tools.custody import Custody
from conductor_magic.tools.kernel_pool import KernelPool
from conductor_magic.tools.services import AskModel, Services
from conductor_magic.tools.worker import worker_tools

__all__ = ["assemble"]

_PAGE_ANSWER_TOKENS = 2_000
_TOLD_FAULTS = 3
"""Of so many own guides that cannot be read a run tells; `%conduct guides` tells of all."""


def assemble(
    journal: Journal,
    connection: Connection,
    walls: Walls,
    kernels: KernelPool,
    redactor: Redactor,
    questions: Questions,
    rules: Iterable[Rule],
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
    # The conductor and every worker may be waiting for a reply at once.
    limiter = RateLimiter(started.workers + 1, Random())
    access = Access(journal, connection.model, questions, redactor)
    standins = Standins(journal, connection.models, connection.standins, charged=connection.charged)
    caller = Caller(journal, connection.model, limiter, access, standins, charged=connection.charged)
    compactor = Compactor(caller, journal, redactor, connection.compacts, notes=connection.charged)
    reach = Reach(workspace, hidden=walls.hidden, denied=walls.denied)
    guides = find_guides(workspace)
    if note := guides.note():
        journal.append(RunNoted(text=note))
    for fault in guides.faults[:_TOLD_FAULTS]:
        journal.append(RunNoted(text=fault, level="warning"))
    offered = [guides.read(name) for name in (*guides.names, *SHARED)]
    listed = [(guide.name, guide.summary + (" [the person's own]" if guide.place else "")) for guide in offered]
    prompt = conductor_prompt(
        started.goal,
        started.workspace,
        started.variables,
        listed,
        started.guide,
        started.workers,
        started.strategy,
        plans_only=started.mode == "plan",
    )
    most = min(limits.reply_tokens, connection.reply_tokens["conductor"])
    conversation = Conversation("conductor", connection.models["conductor"], CONDUCTOR, DEFINITIONS, most)
    conductor = Conductor(
        conversation, redactor.text(prompt), compactor, journal, reach, guides, redactor, questions, limits
    )
    read_only = started.mode in SHARING
    # The rehearsal's rules cannot read a page; its workers get the page itself.
    services = Services(
        ask_model=_page_reader(caller, connection) if connection.charged else None,
        search_by_model=ProviderSearch(caller, connection.models["haiku"], connection.reply_tokens["haiku"])
        if connection.searches
        else None,
        kernels=kernels,
        closers=[access.aclose],
    )
    if not read_only:
        closed = (*walls.hidden, *walls.denied)
        services.custody = Custody(JournalLedger(journal, redactor), workspace, closed, artifacts)
        settler = Settler(journal, questions, services.custody, reach)
        services.openers.append(settler.take_up)
        services.closers += [settler.aclose, services.custody.aclose, Shadows(journal).aclose]
    bench = Bench(
        tools=worker_tools(read_only),
        models=connection.models,
        reply_tokens=connection.reply_tokens,
        takes=connection.takes,
        workspace=workspace,
        artifacts=artifacts,
        walls=walls,
        gate=PermissionGate(journal, started.mode, rules, questions, redactor),
        read_only=read_only,
        services=services,
    )
    return Engine(journal, compactor, conductor, bench, questions, redactor, limits, returns, on_text)


def _page_reader(caller: Caller, connection: Connection) -> AskModel:
    """What answers one question on a worker's account, by the cheapest tier."""
    most = min(_PAGE_ANSWER_TOKENS, connection.reply_tokens["haiku"])

    async def ask(worker: str, prompt: str) -> str:
        model = connection.models["haiku"]
        # The page itself will do where its answer fits under no cap.
        conversation = Conversation(worker, model, PAGE_READER, (), most, aside=True, optional=True)
        conversation.say(prompt)
        return (await caller.ask(conversation)).answer

    return ask
