"""Puts the notebook's values into the goal: `{expression}` in the text of a cell.

The rule: a brace pair whose content parses as one Python expression, and is no bare literal, is replaced by the text of
its value, which is not looked at again. `{{` and `}}` stand for one brace. Every other brace stays as it is, so
JSON and code can stand in a goal; a pair of those is kept together, and so the `}}` at the end of
`{"a": {"b": 1}}` closes two braces that were opened, and stands for itself.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Mapping
from typing import Any

from conductor_magic.errors import ConductUsageError
from conductor_magic.wording import did_you_mean, shown, variables

__all__ = ["fill_in"]

_BRACE = re.compile(r"[{}]")
# What matters on the way to a closing brace: strings, which may hold braces, and brackets.
_STRING = r'"""(?:[^\\]|\\.)*?"""' + r"|'''(?:[^\\]|\\.)*?'''" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'"
_TOKEN = re.compile(rf"(?P<string>{_STRING})|[\[\](){{}}\"']", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
# Deeper than any expression in a sentence; the bound keeps a text full of open braces cheap.
_DEEPEST = 50


def fill_in(text: str, namespace: Mapping[str, Any]) -> str:
    """The goal with the values of its `{expressions}`, evaluated in order in the notebook's namespace.

    Raises:
        ConductUsageError: an expression uses a name that does not exist, or raises; one line.
    """
    out: list[str] = []
    literal: list[str] = []  # the braces that are open and stay in the text: "{" or, written twice, "{{"
    at = 0
    while brace := _BRACE.search(text, at):
        start = brace.start()
        out.append(text[at:start])
        twice = text.startswith(brace[0] * 2, start)
        at = start + 1
        if brace[0] == "{":
            expression = None if twice else _expression(text, start)
            if expression is not None:
                content, code, at = expression
                out.append(_value(content, code, namespace))
                continue
            literal.append("{{" if twice else "{")
            at += twice
        elif literal and literal[-1] == "{":
            literal.pop()
        elif twice:
            at += 1
            if literal:
                literal.pop()
        out.append(brace[0])
    return "".join([*out, text[at:]])


def _expression(text: str, start: int) -> tuple[str, ast.Expression, int] | None:
    """The brace pair that opens at `start`, if it is to be replaced: its content, parsed, and where it ends."""
    end = _closing(text, start)
    if end is None:
        return None
    content = text[start + 1 : end].strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # prose that almost parses is no reason for a SyntaxWarning
            code = ast.parse(content, mode="eval")
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None
    return None if _is_literal(code) else (content, code, end + 1)


def _closing(text: str, start: int) -> int | None:
    """Where the brace that opens at `start` closes, by Python's own reading of strings and brackets."""
    opened: list[str] = []
    at = start
    while token := _TOKEN.search(text, at):
        at = token.end()
        mark = token[0]
        if token["string"]:
            continue
        if mark in "([{":
            opened.append(mark)
            if len(opened) > _DEEPEST:
                return None
        elif opened[-1] != _PAIRS.get(mark):  # a quote that ends nowhere, or the wrong bracket: no Python
            return None
        else:
            opened.pop()
            if not opened:
                return token.start()
    return None


def _is_literal(code: ast.Expression) -> bool:
    """Whether it says its own value, as `1`, `"text"`, `...` and `1, 2` do: such braces are prose, code or JSON."""
    try:
        ast.literal_eval(code)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _value(content: str, code: ast.Expression, namespace: Mapping[str, Any]) -> str:
    """The text of the value of an expression."""
    where = f"{{{shown_code(content)}}} in the goal"
    if isinstance(code.body, ast.Name) and code.body.id not in namespace:
        # Also for the names of Python's builtins: /users/{id} means no function.
        raise _no_such_name(code.body.id, where, content, namespace)
    scope = namespace if isinstance(namespace, dict) and "__builtins__" in namespace else dict(namespace)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compiled = compile(code, "<goal>", "eval", dont_inherit=True)
        return str(eval(compiled, scope))  # noqa: S307 - the person's own expression, in their own notebook
    except NameError as error:
        used = {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}
        if error.name in used and error.name not in namespace:
            raise _no_such_name(error.name, where, content, namespace) from None
        raise _raised(error, where, content) from None
    except SyntaxError as error:
        raise ConductUsageError(f"{where} cannot be evaluated: {error.msg}. {_for_text(content)}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the person's expression raised it
        raise _raised(error, where, content) from None


def _no_such_name(name: str, where: str, content: str, namespace: Mapping[str, Any]) -> ConductUsageError:
    if hasattr(builtins, name):
        said = f"{name} is Python's own, no variable of this notebook."
    else:
        hint = did_you_mean(name, variables(namespace))
        said = f"there is no variable {name} in this notebook.{hint}"
    return ConductUsageError(f"{where}: {said} {_for_text(content)}")


def _raised(error: BaseException, where: str, content: str) -> ConductUsageError:
    said = shown_code(str(error), 200)
    kind = type(error).__name__
    return ConductUsageError(f"{where} raised {f'{kind}: {said}' if said else kind}. {_for_text(content)}")


def _for_text(content: str) -> str:
    return f"For braces as text, double them: {{{{{shown_code(content)}}}}}."


def shown_code(text: str, width: int = 60) -> str:
    """Code or a message on one line, without quotes around it."""
    return shown(_Bare(" ".join(text.split())), width)


class _Bare:
    """A text whose representation is the text itself, made printable."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text if self._text.isprintable() else ascii(self._text)[1:-1]
