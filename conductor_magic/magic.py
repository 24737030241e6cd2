"""`%%conduct` and `%conduct`: reads the line, hands the work on, and turns our errors into one line of text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode, validate
from traitlets.config import Config

from conductor_magic.complete import line_matcher
from conductor_magic.errors import ConductorError, ConductUsageError
from conductor_magic.option_checks import check_option
from conductor_magic.option_table import OPTIONS, help_text
from conductor_magic.settings import Options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["ConductMagics", "register", "unregister"]

_DEFAULTS = Options()
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _documented(function: _Function) -> _Function:
    """Give the magic the help as its docstring, so that `%%conduct?` shows it."""
    function.__doc__ = help_text()
    return function


@magics_class
class ConductMagics(Magics):
    """The magics and the defaults of their options; a default holds for every cell that says nothing else."""

    workers = Int(_DEFAULTS.workers, help="Workers at once, 1-256.").tag(config=True)
    use = List(Unicode(), help="Notebook variables handed to workers.").tag(config=True)
    returns = Unicode(None, allow_none=True, help="The type that the answer is validated into.").tag(config=True)
    mode = Unicode(_DEFAULTS.mode, help="What workers may do: plan, read-only, ask or workspace.").tag(config=True)
    budget = Float(_DEFAULTS.budget, allow_none=True, help="Cap on a run's cost in USD, or None.").tag(config=True)
    timeout = Float(None, allow_none=True, help="Cap on a run's time in seconds, or None.").tag(config=True)
    window = Int(_DEFAULTS.window, help="Context that each model is held to, in tokens.").tag(config=True)
    cap = Dict(help="Further caps, as {'worker.usd': 0.1, 'run.calls': 300}.").tag(config=True)
    strategy = Unicode(_DEFAULTS.strategy, help="What plans favour: balanced, speed or cost.").tag(config=True)
    guide = Unicode(None, allow_none=True, help="The domain guide to start from.").tag(config=True)
    tiers = Dict(Unicode(), key_trait=Unicode(), help="Model id for haiku, sonnet, opus, conductor.").tag(config=True)
    workspace = Unicode(None, allow_none=True, help="The folder that workers may touch.").tag(config=True)
    provider = Unicode(_DEFAULTS.provider, help="auto, anthropic or rehearsal.").tag(config=True)
    answers = Unicode(None, allow_none=True, help="The dict that answers the questions of runs.").tag(config=True)
    background = Bool(False, help="Return a Run at once instead of blocking.").tag(config=True)
    quiet = Bool(False, help="Show no board.").tag(config=True)
    final_output = Enum(
        ["live", "static"], "live", help="What stays under the cell: the live board, or its static copy alone."
    ).tag(config=True)

    @validate(*(option.field for option in OPTIONS))
    def _check_default(self, proposal: Any) -> object:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "mode" and value == "full":
            raise TraitError(
                "mode full takes all walls down, so it cannot be a default: say --mode full in the cell that needs it."
            )
        try:
            check_option(name, value)
        except ConductUsageError as error:
            raise TraitError(str(error)) from None
        return value

    @property
    def defaults(self) -> dict[str, object]:
        """The defaults by their names in `Options`."""
        return {option.field: getattr(self, option.field) for option in OPTIONS}

    @no_var_expand
    @line_cell_magic
    @_documented
    def conduct(self, line: str, cell: str | None = None) -> object:  # noqa: D102 - it is made from the option table
        shell = self.shell
        assert shell is not None
        try:
            if cell is None:
                from conductor_magic.commands import run_command

                return run_command(shell, line)
            from conductor_magic.cell import conduct_cell

            return conduct_cell(shell, line, cell, self.defaults, static=self.final_output == "static")
        except ConductorError as error:
            # Exactly this class is what IPython prints as one line, without a traceback.
            raise UsageError(" ".join(str(error).split())) from None


def register(shell: InteractiveShell) -> None:
    """Add the magics and the completion of their lines to the shell; a second time changes nothing.

    A default in the configuration that cannot be is left out and told: the rest must not be lost with it.
    """
    if _registered(shell) is not None:
        return
    config = deepcopy(shell.config)
    asked = config.pop(ConductMagics.__name__, {})
    magics = ConductMagics(shell, config=config)
    for name, value in asked.items():
        try:
            magics.update_config(Config({ConductMagics.__name__: {name: value}}))
        except TraitError as error:
            print(f"ConductMagics.{name} in the configuration is left out: {error}", file=sys.stderr)
    shell.register_magics(magics)
    completer: Any = shell.Completer
    completer.custom_matchers.append(line_matcher(shell))


def unregister(shell: InteractiveShell) -> None:
    """Take the magics and their completion out of the shell."""
    found = _registered(shell)
    if found is None:
        return
    manager: Any = shell.magics_manager
    for kind in ("line", "cell"):
        manager.magics[kind].pop("conduct", None)
    manager.registry.pop(ConductMagics.__name__, None)
    if found in shell.configurables:
        shell.configurables.remove(found)
    matchers: Any = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if matcher.__module__ != line_matcher.__module__]


def _registered(shell: InteractiveShell) -> ConductMagics | None:
    manager: Any = shell.magics_manager
    found = manager.registry.get(ConductMagics.__name__)
    return found if isinstance(found, ConductMagics) else None
