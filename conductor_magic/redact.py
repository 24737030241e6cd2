"""Takes key-shaped text out of what is sent and recorded. Pure but for the list of secrets it is given.

Two kinds are taken out: text that looks like a key of a well-known form, and the exact values of the environment's own
secrets. What a worker is sent is redacted first, so that what is recorded is what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["MARK", "Redactor"]

MARK = "[redacted]"
_SHAPES = tuple(
    (hints, re.compile(shape, re.DOTALL))
    for hints, shape in (
        (("sk-",), r"\bsk-[A-Za-z0-9_-]{20,}"),  # Anthropic, OpenAI and kin
        (("AKIA", "ASIA"), r"\bA[KS]IA[0-9A-Z]{16}\b"),  # AWS access key ids
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{30,}"),  # GitHub tokens
        (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{30,}"),
        (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),  # GitLab
        (("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),  # Hugging Face
        (("xox",), r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),  # Slack
        (("AIza", "ya29."), r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,}"),  # Google
        (("k_live_", "k_test_"), r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,}"),  # Stripe
        (("npm_", "pypi-"), r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{30,}"),  # package registries
        (("gsk_", "xai-"), r"\b(?:gsk_|xai-)[A-Za-z0-9]{20,}"),  # Groq, xAI
        (("eyJ",), r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),  # signed web tokens
        (("earer ",), r"(?<=earer )[A-Za-z0-9._~+/=-]{20,}"),  # an Authorization header
        (("PRIVATE KEY-----",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    )
)
"""Well-known forms of keys, each with what must be in a text that has one: most texts need no more than that look."""

_PASSWORD = re.compile(r"://[^\s/:@\"]*:[^\s/@\"]{3,}@")
"""Name and password in an address."""

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS(?!IVE)|_PWD|CREDENTIAL|AUTH(?!OR)|DSN|CONNECTION_STRING|COOKIE|WEBHOOK", re.IGNORECASE
)
_SHORTEST_SECRET = 8


class Redactor:
    """Replaces secrets in text by `[redacted]`.

    Args:
        environ: the environment whose secrets must not leave: by their variables' names, or by the look of the value.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values: list[str] = []
        self.learn(environ)

    def learn(self, environ: Mapping[str, str]) -> None:
        """Take out the secrets of this environment too: a key may be renewed while a run goes on."""
        values = {
            *self._values,
            *(
                value
                for name, value in environ.items()
                if (_SECRET_NAME.search(name) or _PASSWORD.search(value))
                and len(value) >= _SHORTEST_SECRET
                and not value.startswith(("/", "~"))
            ),
        }
        # Longest first, so that a secret which contains another goes as a whole.
        self._values = sorted(values, key=len, reverse=True)
        self._written = [json.dumps(value, ensure_ascii=False)[1:-1] for value in self._values]

    def finds(self, json_text: str) -> bool:
        """Whether there is anything to take out of a value that was written as this JSON."""
        return (
            any(value in json_text for value in self._written)
            or any(shape.search(json_text) for hints, shape in _SHAPES if any(hint in json_text for hint in hints))
            or _PASSWORD.search(json_text) is not None
        )

    def text(self, text: str) -> str:
        """The text without secrets."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK)
        for hints, shape in _SHAPES:
            if any(hint in text for hint in hints):
                text = shape.sub(MARK, text)
        return _PASSWORD.sub(f"://{MARK}@", text)

    def unfinished(self, text: str) -> str:
        """The text of which more is to come, without secrets and without an end that may be the beginning of one."""
        text = text[: max(text.rfind(blank) for blank in " \t\n") + 1]
        for value in self._values:
            begun = next((k for k in range(min(len(value) - 1, len(text)), 0, -1) if text.endswith(value[:k])), 0)
            text = text[: len(text) - begun]
        return self.text(text)

    def json(self, value: Any) -> Any:
        """A JSON value with the secrets in its texts replaced; base64 data of images is left alone."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            binary = value.get("type") == "base64"
            return {
                self.json(key): item if binary and key == "data" else self.json(item) for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.json(item) for item in value]
        return value
