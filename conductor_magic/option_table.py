"""The one table of the cell's options: what the line is parsed by, completed from and explained with."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from conductor_magic.settings import CAP_SCOPES, CAP_UNITS, MODES, PROVIDERS, STRATEGIES, TIERS, Options
from conductor_magic.wording import listed

__all__ = ["EXAMPLE", "OPTIONS", "SUBCOMMANDS", "Option", "help_text"]

EXAMPLE = "%%conduct report --use sales --budget 2\nFind what drives churn in {sales.shape[0]} rows, with two charts."


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the line.

    Attributes:
        field: its name in `Options` and as a traitlet.
        long: its long flag.
        short: its short flag, or empty.
        value: what stands for its value in the help; empty for a switch.
        meaning: what it does, in a few words.
        default: what holds without it, in words.
        repeatable: whether it may be given more than once; its values then come as a list.
    """

    field: str
    long: str
    short: str
    value: str
    meaning: str
    default: str
    repeatable: bool = False

    @property
    def usage(self) -> str:
        """How it is written: `-w, --workers N`."""
        return f"{f'{self.short}, ' if self.short else ''}{self.long} {self.value}".strip()


_DEFAULTS = Options()
OPTIONS = (
    Option("workers", "--workers", "-w", "N", "workers at once, 1-256", str(_DEFAULTS.workers)),
    Option("use", "--use", "", "NAMES", "variables handed to workers, commas between", "none", repeatable=True),
    Option("returns", "--returns", "", "TYPE", "a pydantic model or type that the answer is validated into", "none"),
    Option("mode", "--mode", "", "MODE", f"what workers may do: {listed(MODES)}", _DEFAULTS.mode),
    Option("budget", "--budget", "", "USD", "hard cap on the run's cost, or none", f"{_DEFAULTS.budget:g}"),
    Option("timeout", "--timeout", "", "SECONDS", "cap on the run's time, or none", "none"),
    Option("window", "--window", "", "TOKENS", "context that each model is held to, from 10000", f"{_DEFAULTS.window}"),
    Option(
        "cap",
        "--cap",
        "",
        "SCOPE.UNIT=N",
        f"further caps. SCOPE: {listed(CAP_SCOPES)}; UNIT: {listed(CAP_UNITS)}; as in worker.usd=0.10 or run.calls=300",
        "none",
        repeatable=True,
    ),
    Option("strategy", "--strategy", "", "NAME", f"what the plan favours: {listed(STRATEGIES)}", _DEFAULTS.strategy),
    Option("guide", "--guide", "", "NAME", "start from this domain guide", "the conductor picks"),
    Option("tiers", "--tier", "", "TIER=MODEL", f"model id for {listed(TIERS)}", "the newest ones", repeatable=True),
    Option("workspace", "--workspace", "", "DIR", "the folder that workers may touch", "the kernel's folder"),
    Option("provider", "--provider", "", "NAME", listed(PROVIDERS), _DEFAULTS.provider),
    Option("answers", "--answers", "", "NAME", "a dict that answers the run's questions", "the recommended option"),
    Option("background", "--background", "-b", "", "return a Run at once instead of blocking", "off"),
    Option("quiet", "--quiet", "-q", "", "no board", "off"),
)


def help_text() -> str:
    """The help of `%%conduct` and `%conduct`, as plain text."""
    width = max(len(option.usage) for option in OPTIONS)
    rows = [
        textwrap.fill(
            f"{option.meaning} (default: {option.default})",
            width=110,
            initial_indent=f"  {option.usage:<{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
        for option in OPTIONS
    ]
    example = textwrap.indent(EXAMPLE, "  ")
    return "\n".join(
        [
            "%%conduct [NAME] [options]: hand the goal in the cell's body to a conductor and its workers.",
            "",
            "Shows the live board and blocks until the run ends; the result is bound to NAME and is the cell's value.",
            "",
            example,
            "",
            "In the body {expression} is replaced by its value in the notebook; {{ and }} are literal braces.",
            "",
            "Options",
            *rows,
            "",
            "No cap is ever exceeded: what could be too much is not sent. worker.* holds for each attempt at a task, a",
            "tier's caps for all its workers together; the conductor counts to run.* alone. What run.usd and",
            "run.seconds would be is --budget and --timeout. turns are replies of the models, calls are tool calls.",
            "",
            "--use, --cap and --tier may be repeated.",
            "Every default is a setting, as in: %config ConductMagics.workers = 4",
            "",
            "Subcommands",
            *(f"  %conduct {usage:<30}  {meaning}" for usage, meaning in SUBCOMMANDS.items()),
        ]
    )


SUBCOMMANDS = {
    "doctor": "check the key, models, sandbox, subshells, front end and disk: each ok, or what to do",
    "runs": "list the recorded runs with status, cost, size and age (since the last record), and the archived ones",
    "show RUN": "load and show the result of a run: its id, the beginning of one, a path, or last",
    "resume RUN [NAME]": "go on with a run that ended early; new totals by --budget, --timeout, --cap, a new --mode",
    "go [NAME]": "run the last plan (--mode plan) as a new run, in mode workspace unless --mode says another",
    "replay RUN": "show a recorded run on the board, to be scrubbed, played and stepped through",
    "archive RUN": "pack a run that is over into one file",
    "restore RUN": "take a run out of its archive",
    "clean --older-than AGE [--yes]": "name the runs older than 12h, 30d or 4w, as --dry-run says too; --yes deletes",
    "allow SCOPE WHAT": "never ask again about a site, a path or an exact command",
    "deny SCOPE WHAT": "forbid a site, a path or an exact command in every mode",
    "forget SCOPE WHAT": "take such a rule back",
    "guides [NAME]": "list the guides, yours too, with where each comes from; show one of them",
    "rules": "list these standing rules",
    "help": "show this text",
}
"""How each subcommand of `%conduct` is written, and what it does."""
