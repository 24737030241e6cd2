"""Looks up in the notebook what a line names: variables for workers, the type of the answer, the dict of answers."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from conductor_magic.errors import ConductUsageError
from conductor_magic.settings import Options
from conductor_magic.wording import did_you_mean, shown, variables

__all__ = ["Named", "check_answers", "look_up"]


@dataclass(frozen=True, slots=True)
class Named:
    """The objects behind the names of an `Options`.

    Attributes:
        variables: `use`, by name.
        returns: the type, or None.
        answers: the answers by question or header, or None.
    """

    variables: Mapping[str, object]
    returns: object | None
    answers: Mapping[str, object] | None


def look_up(options: Options, namespace: Mapping[str, Any]) -> Named:
    """Find what the options name in the notebook.

    Raises:
        ConductUsageError: there is no such variable, or it is not of the kind that the option needs.
    """
    variables = {name: _variable("--use", name, namespace) for name in options.use}
    returns = None if options.returns is None else _type(options.returns, namespace)
    answers = None
    if options.answers is not None:
        answers = check_answers(_variable("--answers", options.answers, namespace), f"--answers {options.answers}")
    return Named(variables, returns, answers)


def check_answers(value: object, what: str = "answers") -> Mapping[str, object]:
    """A dict from question or header to a label, a text or a list of them.

    Raises:
        ConductUsageError: it is something else; `what` names it.
    """
    if not isinstance(value, Mapping):
        raise ConductUsageError(f"{what} must be a dict from question to answer, not {_kind(value)}.")
    for question, answer in cast("Mapping[object, object]", value).items():
        several = cast("list[object]", list(answer)) if isinstance(answer, (list, tuple)) else [answer]
        if not isinstance(question, str) or not several or not all(isinstance(item, str) for item in several):
            raise ConductUsageError(
                f"{what} must map each question's text to a text or a list of texts; "
                f"{shown(question)} has {shown(answer)}."
            )
    return cast("Mapping[str, object]", value)


def _variable(option: str, name: str, namespace: Mapping[str, Any]) -> object:
    if name in namespace:
        return namespace[name]
    hint = did_you_mean(name, variables(namespace))
    raise ConductUsageError(f"{option}: there is no variable {shown(name)} in this notebook.{hint}")


def _type(text: str, namespace: Mapping[str, Any]) -> object:
    what = f"--returns {shown(text)}"
    scope = namespace if isinstance(namespace, dict) and "__builtins__" in namespace else dict(namespace)
    try:
        compiled = compile(text.strip(), "<returns>", "eval", dont_inherit=True)
        found = eval(compiled, scope)  # noqa: S307 - the person's own expression, in their own notebook
    except NameError as error:
        hint = did_you_mean(error.name or "", variables(namespace))
        raise ConductUsageError(f"{what}: there is no {error.name} in this notebook.{hint}") from None
    except SyntaxError as error:
        raise ConductUsageError(f"{what}: this is no Python expression ({error.msg}).") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the person's expression raised it
        raise ConductUsageError(f"{what} raised {type(error).__name__}: {shown(str(error), 200)}.") from None
    is_type = isinstance(found, (type, types.UnionType)) or typing.get_origin(found) is not None
    if not is_type:
        raise ConductUsageError(f"{what} must be a type, as a pydantic model, int or list[str], not {_kind(found)}.")
    return found


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
