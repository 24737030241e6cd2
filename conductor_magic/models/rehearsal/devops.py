"""What the devops recipes say: five looks at how a checkout is built, shipped and watched, and the report. Pure.

`Risk:` is what can go wrong as it stands, `Gate:` what cannot be taken back and needs a yes, `Missing:` what is not
there, `Holds:` what was checked and is so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conductor_magic.models.rehearsal.checkout import Report, key_figures
from conductor_magic.models.rehearsal.dialogue import Turn
from conductor_magic.models.rehearsal.grouped import grouped, the_rest
from conductor_magic.models.rehearsal.job import Job
from conductor_magic.models.rehearsal.prose import bullets, count, listed, names, table

__all__ = ["REPORTS", "ops_report"]

Json = dict[str, Any]
_UNSEEN = (
    "Nothing was run, no service, registry or cloud was asked. Whether a dependency has known faults, what runs in "
    "production and what a pipeline calls from other repositories no rule can see here."
)


def _pipelines(figures: Json) -> list[str]:
    systems = [
        f"{name} ({names(paths)}{' and more' if size > len(paths) else ''})" for name, size, paths in figures["systems"]
    ]
    lines = [
        f"{count(figures['pipelines'], 'pipeline file')}: {listed(systems)}."
        if systems
        else "0 pipeline files: none of GitHub, GitLab, CircleCI, Buildkite, Azure, Travis, Bitbucket or Jenkins."
    ]
    lines.append("" if systems else "Missing: a pipeline; nothing checks a change by itself.")
    if figures["workflows"]:
        uses = figures["uses"]
        lines.append(
            f"{count(figures['jobs'], 'job')} in {count(figures['workflows'], 'GitHub workflow')}; actions pinned to a "
            f"commit: {uses['commit']}, to a tag that can move: {uses['tag']}, to a branch: {uses['branch']}."
        )
        lines += [f"Risk: {_place(*risk)}" for risk in figures["risks"]]
        lines += the_rest("Risk", figures["risk_count"], len(figures["risks"]), "places in GitHub workflows")
        if not figures["risk_count"]:
            lines.append("Holds: every GitHub workflow limits its token and its jobs' time, and hides no failure.")
    if figures["helpers"]:
        lines.append(f"Holds: commands that people and pipelines can share: {names(figures['helpers'])}.")
    return [
        bullets(lines),
        table(("risk", "places"), figures["kinds"]),
        key_figures(("pipeline files", figures["pipelines"]), ("risks in workflows", figures["risk_count"])),
    ]


def _pins(figures: Json) -> list[str]:
    kinds = listed([f"{kind} {size}" for kind, size in figures["kinds"]])
    lines = [
        f"{count(figures['dependencies'], 'dependency', 'dependencies')} declared; how firmly: {kinds}."
        if figures["dependencies"]
        else "0 dependencies declared: no requirements file, pyproject.toml or package.json that names one."
    ]
    for path, line, name, kind in figures["loose"]:
        place, how = f"{path}:{line}" if line else path, "at any version" if kind == "any version" else kind
        lines.append(f"Risk: {place} takes `{name}` {how}.")
    lines += the_rest("Risk", figures["loose_count"], len(figures["loose"]), "places without any bound")
    if figures["locks"]:
        lines.append(f"Holds: versions are locked in {names(figures['locks'])}.")
    elif figures["dependencies"]:
        lines.append("Missing: a lock file; two installs on two days can differ.")
    return [
        bullets(lines),
        table(("file", *(kind for kind, _ in figures["kinds"])), figures["table"]),
        key_figures(("dependencies", figures["dependencies"]), ("without any bound", figures["loose_count"])),
    ]


def _infrastructure(figures: Json) -> list[str]:
    there = [
        f"{size} {kind} ({names(paths)}{' and more' if size > len(paths) else ''})"
        for kind, size, paths in figures["kinds"]
        if size
    ]
    lines = [
        f"Infrastructure as files: {listed(there)}."
        if there
        else "0 infrastructure files: no Dockerfile, compose file, cluster manifest or Terraform."
    ]
    lines += [f"Risk: {_place(*fault)}" for fault in figures["faults"]]
    lines += the_rest("Risk", figures["fault_count"], len(figures["faults"]), "places in infrastructure files")
    if there and not figures["fault_count"]:
        lines.append("Holds: images have tags, run as a user of their own, and nothing is open to every address.")
    return [
        bullets(lines),
        table(("risk", "places"), figures["counts"]),
        key_figures(("infrastructure files", figures["files"]), ("risks in them", figures["fault_count"])),
    ]


def _signals(figures: Json) -> list[str]:
    if not figures["modules"]:
        said = "No Python was found here outside tests, so what the program tells was not looked at."
        return [bullets([said]), key_figures(("modules that log", 0))]
    lines = [
        (
            f"{figures['logging']} of {count(figures['modules'], 'module')} log; "
            f"{count(figures['printing'], 'print call')} in {count(figures['printing_files'], 'file')}."
        )
    ]
    lines += [f"Risk: {path}:{line} drops {error} without a word." for path, line, error in figures["dropped"]]
    lines += the_rest("Risk", figures["dropped_count"], len(figures["dropped"]), "places that drop an error")
    lines += [f"Risk: {path}:{line} `{name}` may wait for ever: no timeout." for path, line, name in figures["endless"]]
    lines += the_rest("Risk", figures["endless_count"], len(figures["endless"]), "places that may wait for ever")
    if not figures["endless_count"]:
        lines.append("Holds: no call of subprocess, requests, urlopen or create_connection waits without an end.")
    lines += [f"Holds: {path}:{line} answers whether it is well: `{text}`." for path, line, text in figures["alive"]]
    if figures["watchers"]:
        told = listed([f"`{name}` in {count(size, 'file')}" for name, size in figures["watchers"]])
        lines.append(f"Holds: it reports through {told}.")
    if not figures["alive_count"] and not figures["watchers"]:
        lines.append(
            "Missing: anything that a monitor could ask (no health or metrics address, no metrics or error library)."
        )
    return [
        bullets(lines),
        key_figures(
            ("modules that log", figures["logging"]),
            ("errors dropped", figures["dropped_count"]),
            ("waits without an end", figures["endless_count"]),
        ),
    ]


def _gates(figures: Json) -> list[str]:
    kinds = listed([f"{kind} {size}" for kind, size in figures["counts"] if size])
    looked = count(figures["looked"], "script or module", "scripts and modules")
    lines = [
        f"{count(figures['gates'], 'command')} that cannot be taken back in {looked}{f': {kinds}' if kinds else ''}."
    ]
    lines += [f"Gate: {path}:{line} {kind}: {_code(text)}." for kind, path, line, text in figures["table"]]
    lines += the_rest("Gate", figures["gates"], len(figures["table"]), "places that cannot be taken back")
    return [
        bullets(lines),
        table(("kind", "places"), figures["counts"]),
        key_figures(("commands that need a yes", figures["gates"])),
    ]


def _first(paths: list[str], of: int) -> str:
    return names(paths) + (" and more" if of > len(paths) else "")


def _place(path: str, line: int, kind: str, text: str) -> str:
    return f"{path}:{line} {kind}" + (f": {_code(text)}." if text else ".")


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def ops_report(job: Job) -> Turn:
    """The readiness report: in short, risks, what needs a yes, what is missing, what holds, what was not looked at."""
    return grouped(
        job,
        f"How {job.workspace} is built, shipped and watched",
        "In short",
        {
            "Risk": ("Risks", "None that these rules can see."),
            "Gate": (
                "Needs a yes",
                "No command that cannot be taken back was found; that does not make the next one safe.",
            ),
            "Missing": ("Missing", "Nothing that these rules look for."),
            "Holds": ("Holds", "Nothing could be confirmed."),
        },
        _UNSEEN,
    )


REPORTS: Mapping[str, Report] = {
    "ops_pipelines": ("Pipelines", _pipelines),
    "ops_pins": ("Dependencies and their pins", _pins),
    "ops_infrastructure": ("Images and machines", _infrastructure),
    "ops_signals": ("What can be seen while it runs", _signals),
    "ops_gates": ("What cannot be taken back", _gates),
}
