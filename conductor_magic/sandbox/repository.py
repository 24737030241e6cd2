"""Which newly made git repository is harmless: `git init` and `git clone` are everyday work.

The rule: a folder `.git` whose hooks are samples only, and whose settings are those that git itself writes when it
makes or clones a repository. Everything else that git runs or obeys (other settings, a shared or a second settings
file, repositories of submodules) is not for a worker to make.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["harmless"]

_SETTINGS = {
    "core": {
        "repositoryformatversion", "filemode", "bare", "logallrefupdates", "symlinks", "ignorecase",
        "precomposeunicode",
    },
    "user": {"name", "email"},
    "remote": {"url", "fetch"},
    "branch": {"remote", "merge", "rebase"},
}  # fmt: skip
_LARGEST = 1 << 16
_SECTION = re.compile(r'\[([a-z]+)(?: "[^"\\\]]*")?\]')
_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*=\s*([^\\#;]*)")


def harmless(repository: Path, protected: Iterable[Path]) -> bool:
    """Whether a newly made `.git` may stay.

    Args:
        repository: the folder.
        protected: everything protected in it that the survey has found.
    """
    usual = {repository / "config", repository / "hooks"}
    if not repository.is_dir() or repository.is_symlink() or not set(protected) <= usual:
        return False
    hooks = repository / "hooks"
    try:
        samples = list(os.scandir(hooks)) if hooks.exists() else []
        return all(entry.name.endswith(".sample") for entry in samples) and _usual_settings(repository / "config")
    except (OSError, UnicodeDecodeError):
        return False


def _usual_settings(path: Path) -> bool:
    if not path.exists():
        return True
    with path.open("rb") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        return False
    allowed: set[str] = set()
    for line in map(str.strip, text.decode().splitlines()):
        if not line or line[0] in "#;":
            continue
        if section := _SECTION.fullmatch(line):
            allowed = _SETTINGS.get(section[1], set())
        elif not (setting := _SETTING.fullmatch(line)) or setting[1].lower() not in allowed:
            return False
    return True
