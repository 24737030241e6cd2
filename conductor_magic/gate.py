"""The gate of one run: every tool call passes it with what it is about to touch, and waits there for a person's yes.

The verdict itself is pure (`permissions.py`). Here it is carried out: what must be asked is put to whoever can answer,
equal questions of several workers become one, and only the workers that asked wait for it. What was decided, by which
rule and by whom, is recorded. Where nobody is there to answer, the answer is no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.events import PermissionDecided, PermissionGranted, QuestionJoined
from conductor_magic.journal import Journal
from conductor_magic.permissions import SEARCH, Access, Rule, verdict, visible
from conductor_magic.questions import Questions
from conductor_magic.redact import Redactor
from conductor_magic.state import RunState
from conductor_magic.tools.base import ToolContext

__all__ = ["NO", "ONCE", "THIS_RUN", "PermissionGate"]

Json = dict[str, Any]
NO = "No"
ONCE = "Yes, once"
THIS_RUN = "Yes, for this run"
_SCOPES = {"read": "path", "write": "path", "command": "command", "site": "site", "search": "site"}
_SHOWN = 4_000
"""Characters of a difference that a question shows."""

_FILES = 5
"""Files of a command that a question names."""


@dataclass(slots=True)
class _Asked:
    """A question that is being put: its answer to come, and how many calls wait for it."""

    name: str
    answer: asyncio.Task[tuple[str, str]]
    waiting: int = 0


class PermissionGate:
    """Admits or refuses, for all workers of one run; lives on the engine's loop.

    Args:
        journal: where questions, verdicts and grants are recorded; its state holds the grants.
        mode: the run's mode as it is in effect.
        rules: the person's standing rules.
        questions: puts a question to whoever can answer.
        redactor: takes secrets out of what is recorded.
    """

    def __init__(
        self, journal: Journal, mode: str, rules: Iterable[Rule], questions: Questions, redactor: Redactor
    ) -> None:
        self._journal = journal
        self._mode = mode
        self._rules = tuple(rules)
        self._questions = questions
        self._redactor = redactor
        self._open: dict[tuple[object, ...], _Asked] = {}

    async def admit(self, access: Access, context: ToolContext, show: Callable[[], str] | None = None) -> None:
        """Return when the access is allowed; see `tools.base.Gate`.

        Raises:
            ToolError: it is not allowed.
        """
        found = verdict(access, self._mode, (*self._rules, *_grants(self._journal.state)))
        if found.decision == "deny":
            self._decided(context, "deny", found.rule, found.source)
            raise ToolError(_denied(access, found.rule, found.source))
        if found.decision == "allow":
            if found.source != "mode":
                self._decided(context, "allow", found.rule, found.source)
            return
        with context.hold():
            said, by = await self._asked(access, context, show)
        if said not in (ONCE, THIS_RUN):
            self._decided(context, "deny", f"asked: {said}", by)
            raise ToolError(_refused(access, said, by))
        self._decided(context, "allow", f"asked: {said}", by)

    async def _asked(self, access: Access, context: ToolContext, show: Callable[[], str] | None) -> tuple[str, str]:
        """What was said, and by whom; equal questions that are open share one answer."""
        detail = show() if show else ""
        key = (access.kind, access.what, tuple(sorted(access.bound.items())), detail)
        asked = self._open.get(key)
        if asked is None:
            question = _question(access, detail)
            name = self._questions.ask_permission(question, by=context.worker, task=context.task, call=context.call)
            asking = asyncio.ensure_future(self._answer_to(name, access))
            asked = self._open[key] = _Asked(name, asking)
            asking.add_done_callback(lambda _: self._open.pop(key, None))
        elif not self._journal.state.questions[asked.name].answered_by:
            # An answer that is there already, and only on its way to those who wait, is shared without a record.
            self._journal.append(
                QuestionJoined(question=asked.name, by=context.worker, task=context.task, call=context.call)
            )
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.answer)
        finally:
            asked.waiting -= 1
            if not asked.waiting and not asked.answer.done():
                # Whoever wanted to know has gone: the question goes too.
                self._open.pop(key, None)
                asked.answer.cancel()

    async def _answer_to(self, name: str, access: Access) -> tuple[str, str]:
        said, by = await self._questions.permission(name, NO)
        if said == THIS_RUN:
            # Granted before anybody who waits goes on, so that a second equal call is not asked again.
            self._journal.append(
                PermissionGranted(
                    scope=_SCOPES[access.kind],  # type: ignore[arg-type]
                    what=SEARCH if access.kind == "search" else self._redactor.text(access.what),
                    by=by,
                    bound=dict(access.bound),
                )
            )
        return said, by

    def _decided(self, context: ToolContext, decision: Any, rule: str, by: str) -> None:
        self._journal.append(
            PermissionDecided(call=context.call, decision=decision, rule=self._redactor.text(rule), by=by)
        )


def _grants(state: RunState) -> list[Rule]:
    grants = (record.event for record in state.grants)
    return [
        Rule("allow", grant.scope, grant.what, "grant", grant.bound)
        for grant in grants
        if isinstance(grant, PermissionGranted)
    ]


_ASKS = {
    "read": "Let a worker read this file?",
    "write": "Let a worker write this file?",
    "command": "Run this command?",
    "site": "Let workers reach this site?",
    "search": "Let a worker search the web for this?",
}


def _question(access: Access, detail: str) -> Json:
    """What a person is asked, every character of it visible; `detail` is shown beside it."""
    ask = "Run this Python code?" if access.kind == "command" and access.tool == "Python" else _ASKS[access.kind]
    because = f"\nIt {access.leaves}." if access.leaves else ""
    cut = detail if len(detail) <= _SHOWN else f"{detail[:_SHOWN]}\n[cut: {len(detail) - _SHOWN:,} more characters]"
    return {
        "question": f"{ask}\n{visible(access.what)}{because}",
        "header": "Permission",
        "options": [
            {"label": NO, "description": "The worker is told, and goes on without it."},
            {"label": ONCE, "description": "This call only."},
            {"label": THIS_RUN, "description": _for_this_run(access)},
        ],
        "detail": visible(cut),
    }


def _for_this_run(access: Access) -> str:
    match access.kind:
        case "command":
            files = f" ({_listed(access.bound)})" if access.bound else ""
            return (
                "Exactly this text, until the run ends. It is asked again when a file of the workspace that it names "
                f"has changed{files}: look at what it says now."
            )
        case "site":
            return "Exactly this host, none below it, until the run ends."
        case "search":
            return "Every search, whatever for, until the run ends. The sites that it finds are asked about one by one."
        case _:
            return "Exactly this file, until the run ends."


def _listed(paths: Collection[str]) -> str:
    """The names of files, the first few of many."""
    names = ", ".join(visible(path.rpartition("/")[2]) for path in sorted(paths)[:_FILES])
    return f"{names} and {len(paths) - _FILES} more" if len(paths) > _FILES else names


def _denied(access: Access, rule: str, source: str) -> str:
    shown = visible(access.what)[:300]
    if source == "mode":
        what = "changes no files" if access.kind == "write" else "stays in the workspace"
        because = f"; it {access.leaves}" if access.leaves else ""
        return f"{shown}: not allowed: a run in {rule} {what}{because}."
    return f"{shown}: not allowed: a standing rule of the person says “{visible(rule)[:200]}”. Do without it."


def _refused(access: Access, said: str, by: str) -> str:
    shown = visible(access.what)[:300]
    because = f" It {access.leaves}." if access.leaves else ""
    if by != "person":
        return (
            f"{shown}: needs a yes, and nobody is there to give one.{because} "
            "Do without it, or end with STATUS: blocked and say what you need."
        )
    more = "" if said == NO else f" They say: {said}"
    return f"{shown}: the person said no.{because} Do without it.{more}"
