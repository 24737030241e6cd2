"""Which names are protected: files that run by themselves, and files that hold secrets.

Two questions, asked of the names in a path below the workspace, never of file contents chosen by a worker:

* `guarded(parts)`: would writing here make something run later outside the walls (git hooks, shell start-up,
  Jupyter and editor configuration), steer a later run (a person's guides), or change a secret? Then only a person may
  allow it.
* `secret(parts)`: does this usually hold keys or passwords? Then it is not shown to a worker either.

Names are compared the way the laxest file system would: any letter case, compatibility forms of Unicode,
invisible characters, trailing dots and blanks do not hide a name.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

__all__ = ["GUIDES", "SECRET_GLOBS", "around", "guarded", "holds_private_key", "leads_in", "plain_name", "secret"]

SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".azure", ".gcloud", ".kube", ".docker"})
"""Everything in these is a secret."""

SECRET_GLOBS = (
    ".env", ".env.*", ".envrc",
    ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".dockercfg", ".htpasswd",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk",
    "*.pfx", "*.p12", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "credentials.json", "client_secret*.json", "service-account*.json", "service_account*.json",
    "secrets.toml", "credentials.toml", "kubeconfig", "jupyter_cookie_secret", "kernel-*.json",
    "jpserver-*", "nbserver-*",
)  # fmt: skip
"""File names that are secrets, as lower-case globs (also handed to ripgrep)."""

NOT_SECRET = frozenset({".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults"})
"""Templates that projects publish on purpose."""

KEY_SUFFIXES = (".pem", ".key")
"""Public certificates and private keys share these: the content tells, see `holds_private_key`."""

GUARDED_FOLDERS = frozenset({
    ".git", "git~1", ".hg", ".svn", ".husky",
    ".vscode", ".idea", ".fleet", ".zed", ".helix", ".devcontainer",
    ".jupyter", ".ipython", ".direnv", ".mvn", ".claude", ".cursor", ".codex", ".gemini",
})  # fmt: skip
"""Programs run what lies in these."""

GUIDES = ("references", "domains")
"""Where the guides that a person keeps lie in a workspace."""

GUARDED_GLOBS = (
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".inputrc",
    ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".login",
    ".gitconfig", ".gitmodules", ".hgrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", ".condarc", "pip.conf",
    ".pdbrc", ".pythonrc", ".pythonrc.py", ".rprofile", ".renviron", ".gdbinit", ".lldbinit",
    ".irbrc", ".pryrc", ".iex.exs", ".ghci", ".ocamlinit", ".octaverc",
    ".vimrc", ".exrc", ".nvimrc", ".nvim.lua", ".emacs", ".dir-locals.el", ".dir-locals-2.el", ".tmux.conf",
    ".tool-versions", ".mise.toml", ".mise.*.toml", "mise.toml", "mise.*.toml", ".sdkmanrc", ".bazelrc",
    ".bazelversion", "bunfig.toml", ".devcontainer.json",
    ".mcp.json", ".claude.json", ".aider.conf.yml", ".ripgreprc", ".curlrc", ".wgetrc",
    "jupyter_*config.py", "jupyter_*config.json", "ipython_config.py", "ipython_kernel_config.py",
    "ipython_config.json", "ipython_kernel_config.json",
)  # fmt: skip
"""Files that a shell, an editor, a debugger, git, Jupyter or a tool that picks or starts others runs or obeys when
started in this folder. (A line `nodejs path:bin` of `.tool-versions` makes `node` a program of the workspace.)
"""

GUARDED_IN = {
    (".cargo",): ("config", "config.toml"),
    (".mise",): ("config.toml",),
    GUIDES: ("*.md",),
}
"""The same for files that mean this only in folders of certain names; what else is in them is free.

The next run reads guides as the person's own words, so what a worker writes there would steer it.
"""


def plain_name(name: str) -> str:
    """One path component as the laxest file system would compare it."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return name.partition(":")[0].rstrip(" .").casefold()


def secret(parts: Iterable[str]) -> str | None:
    """The component that makes this path a secret, or None.

    Args:
        parts: the path's components below the workspace.
    """
    return next((part for part in parts if _is_secret(part)), None)


def guarded(parts: Iterable[str]) -> str | None:
    """The component that makes this path one that a worker may not write, or None (secrets included).

    Args:
        parts: the path's components below the workspace.
    """
    parts = tuple(parts)
    for at, part in enumerate(parts):
        if _is_guarded(part) or _fits_in(around(parts[:at]), part):
            return part
    return secret(parts)


def around(folders: Sequence[str]) -> tuple[str, ...]:
    """The last of these folders, as the key of `GUARDED_IN` that they match; empty when what is in them is free."""
    if folders and plain_name(folders[-1]) in _LAST:
        names = tuple(map(plain_name, folders[-_DEEPEST:]))
        return next((names[at:] for at in range(len(names)) if names[at:] in GUARDED_IN), ())
    return ()


def leads_in(parts: Sequence[str]) -> bool:
    """Whether the last of these names, borne by a link, would stand for one of the folders of `GUARDED_IN`."""
    names = tuple(map(plain_name, parts[-_DEEPEST:]))
    return any(names[at:] == folders[: len(names) - at] for folders in GUARDED_IN for at in range(len(names)))


def _matches(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of the globs: asked for every file of a workspace, so it must be quick."""
    exact = frozenset(glob for glob in globs if not set(glob) & set("*?["))
    others = [fnmatch.translate(glob) for glob in globs if glob not in exact]
    if not others:
        return exact.__contains__
    pattern = re.compile("|".join(others))
    return lambda name: name in exact or pattern.match(name) is not None


_fits_secret = _matches(SECRET_GLOBS)
_fits_guarded = _matches(GUARDED_GLOBS)
_FITS_IN = {folders: _matches(globs) for folders, globs in GUARDED_IN.items()}
_LAST = frozenset(folders[-1] for folders in GUARDED_IN)
_DEEPEST = max(map(len, GUARDED_IN))


@lru_cache(1 << 16)
def _is_secret(part: str) -> bool:
    name = plain_name(part)
    return name in SECRET_FOLDERS or (name not in NOT_SECRET and _fits_secret(name))


@lru_cache(1 << 16)
def _is_guarded(part: str) -> bool:
    name = plain_name(part)
    return name in GUARDED_FOLDERS or _fits_guarded(name)


def _fits_in(folders: tuple[str, ...], part: str) -> bool:
    return bool(folders) and _FITS_IN[folders](plain_name(part))


def holds_private_key(name: str, head: bytes) -> bool:
    """Whether a file of this name, beginning like this, is a private key (`*.pem` and `*.key` may be either)."""
    return plain_name(name).endswith(KEY_SUFFIXES) and b"PRIVATE KEY" in head
