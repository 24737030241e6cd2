"""Which names are protected: files that run by themselves, and files that hold secrets.

Two questions, asked of the names in a path below the workspace, never of file contents chosen by a worker:

* `guarded(parts)`: would writing here make something run later outside the walls (git hooks, shell start-up,
  Jupyter and editor configuration), or change a secret? Then only a person may allow it.
* `secret(parts)`: does this usually hold keys or passwords? Then it is not shown to a worker either.

Names are compared the way the laxest file system would: any letter case, compatibility forms of Unicode,
invisible characters, trailing dots and blanks do not hide a name.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

__all__ = ["SECRET_GLOBS", "guarded", "holds_private_key", "plain_name", "secret"]

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
    ".cargo": frozenset({"config", "config.toml"}),
    ".mise": frozenset({"config.toml"}),
}
"""The same for files that mean this only in a folder of a certain name; what else is in it is free."""


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
    for folder, part in zip(("", *parts), parts, strict=False):
        if _is_guarded(part) or plain_name(part) in GUARDED_IN.get(plain_name(folder), ()):
            return part
    return secret(parts)


def _matches(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of the globs: asked for every file of a workspace, so it must be quick."""
    exact = frozenset(glob for glob in globs if not set(glob) & set("*?["))
    others = re.compile("|".join(fnmatch.translate(glob) for glob in globs if glob not in exact))
    return lambda name: name in exact or others.match(name) is not None


_fits_secret = _matches(SECRET_GLOBS)
_fits_guarded = _matches(GUARDED_GLOBS)


@lru_cache(1 << 16)
def _is_secret(part: str) -> bool:
    name = plain_name(part)
    return name in SECRET_FOLDERS or (name not in NOT_SECRET and _fits_secret(name))


@lru_cache(1 << 16)
def _is_guarded(part: str) -> bool:
    name = plain_name(part)
    return name in GUARDED_FOLDERS or _fits_guarded(name)


def holds_private_key(name: str, head: bytes) -> bool:
    """Whether a file of this name, beginning like this, is a private key (`*.pem` and `*.key` may be either)."""
    return plain_name(name).endswith(KEY_SUFFIXES) and b"PRIVATE KEY" in head
