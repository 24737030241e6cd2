"""Takes key-shaped text out of what is sent and recorded. Pure but for the list of secrets it is given.

Two kinds are taken out: text that looks like a key of a well-known form, and the exact values of the environment's own
secrets. What a worker is sent is redacted first, so that what is recorded is what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Redactor"]

MARK = "[redacted]"
_SHAPES = re.compile(
    r"""
    \b sk- (?: ant- | proj- )? [A-Za-z0-9_-]{20,}                 # Anthropic, OpenAI and kin
    | \b (?: AKIA | ASIA ) [0-9A-Z]{16} \b                        # AWS access key ids
    | \b gh [pousr] _ [A-Za-z0-9]{30,}                            # GitHub tokens
    | \b github_pat_ [A-Za-z0-9_]{30,}
    | \b glpat- [A-Za-z0-9_-]{20,}                                # GitLab
    | \b hf_ [A-Za-z0-9]{30,}                                     # Hugging Face
    | \b xox [abprs] - [A-Za-z0-9-]{10,}                          # Slack
    | \b AIza [A-Za-z0-9_-]{35}                                   # Google
    | \b eyJ [A-Za-z0-9_-]{10,} \. eyJ [A-Za-z0-9_-]{10,} \. [A-Za-z0-9_-]{10,}   # signed web tokens
    | -----BEGIN [A-Z ]* PRIVATE\ KEY----- .*? (?: -----END [A-Z ]* PRIVATE\ KEY----- | \Z )
    """,
    re.VERBOSE | re.DOTALL,
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 8


class Redactor:
    """Replaces secrets in text by `[redacted]`.

    Args:
        environ: the environment whose secrets (by their variables' names) must not leave.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {
            value
            for name, value in environ.items()
            if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET and not value.startswith(("/", "~"))
        }
        # Longest first, so that a secret which contains another goes as a whole.
        self._values = sorted(values, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK)
        return _SHAPES.sub(MARK, text)

    def json(self, value: Any) -> Any:
        """A JSON value with the secrets in its texts replaced; base64 data of images is left alone."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            binary = value.get("type") == "base64"
            return {key: item if binary and key == "data" else self.json(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.json(item) for item in value]
        return value
