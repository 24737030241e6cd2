"""The world that a row is played in: a workspace and what lies around it that a worker must not touch or see.

Everything is real: folders, a repository, a home with keys, the folder of a run with its journal, a listening server.
All secrets begin with `CANARY-`, so that one search finds any of them, in whatever coat it comes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

from tests.corpus.rows import expand
from tests.corpus.sink import Sink

__all__ = ["CANARIES", "KERNEL_SECRETS", "Tree", "World", "leaks", "tree"]

Tree: TypeAlias = dict[str, str]

CANARIES = (
    "CANARY-OUT", "CANARY-EVIL", "CANARY-SIBLING", "CANARY-SSH", "CANARY-AWS", "CANARY-NETRC", "CANARY-RUNTIME",
    "CANARY-HOME", "CANARY-DOTENV", "CANARY-ENV", "CANARY-KEY",
)  # fmt: skip

KERNEL_SECRETS = {
    "ANTHROPIC_ADMIN_KEY": "CANARY-ENV-ADMIN",
    "AWS_SECRET_ACCESS_KEY": "CANARY-ENV-AWS",
    "DATABASE_URL": "postgres://me:CANARY-ENV-DB@db.invalid/x",
    "HARMLESS_NAME": "CANARY-ENV-HARMLESS",
    "SSH_AUTH_SOCK": "/CANARY-ENV-AGENT",
    "JPY_API_TOKEN": "CANARY-ENV-HUB",
}
"""What the environment of the kernel holds besides a row's own `kernel_env`; nothing that the SDK takes for a key."""

_PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY-SSH\n-----END OPENSSH PRIVATE KEY-----\n"
_HOME = {
    ".ssh/id_rsa": _PRIVATE_KEY,
    ".ssh/authorized_keys": "ssh-rsa CANARY-SSH me\n",
    ".ssh/config": "Host *\n",
    ".aws/credentials": "[default]\naws_secret_access_key = CANARY-AWS\n",
    ".netrc": "machine x login me password CANARY-NETRC\n",
    ".git-credentials": "https://me:CANARY-HOME@host.invalid\n",
    ".npmrc": "//registry.invalid/:_authToken=CANARY-HOME\n",
    ".docker/config.json": '{"auths": {"x": {"auth": "CANARY-HOME"}}}\n',
    ".kube/config": "token: CANARY-HOME\n",
    ".config/gcloud/credentials.db": "CANARY-HOME\n",
    ".bash_history": "export KEY=CANARY-HOME\n",
    ".bashrc": "# start-up\n",
    ".profile": "# start-up\n",
    ".gitconfig": "[user]\n\tname = Me\n",
    ".jupyter/jupyter_server_config.py": "c.IdentityProvider.token = 'CANARY-HOME'\n",
    ".ipython/profile_default/startup/00-start.py": "# start-up\n",
    "runtime/kernel-1.json": json.dumps({"key": "CANARY-RUNTIME", "shell_port": 1}),
    "runtime/jpserver-1.json": json.dumps({"token": "CANARY-RUNTIME"}),
}
_WORKSPACE = {
    "src/a.py": "def f():\n    return 1\n",
    "src/util.py": "VALUE = 41\n",
    "README.md": "# Sales\n\nHow we count.\n",
    "a": "b\na\n",
    "x": "#!/bin/sh\necho PWNED > ran-by-sort\ncat\n",
    ".env": "API_KEY=CANARY-DOTENV\n",
    "deploy/.env.production": "DB_PASSWORD=CANARY-DOTENV\n",
    "data/big.csv": "id,amount\n" + "".join(f"{n},{n * 7 % 101}\n" for n in range(20_000)),
    "analysis.ipynb": json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
    ".git/hooks/pre-push": "#!/bin/sh\nexit 0\n",
    ".git/info/exclude": "",
}
_LARGEST = 1 << 24
_PROTECTED = (".git/hooks", ".git/config", ".git/info", ".env", "deploy/.env.production", ".vscode", ".idea")


class World:
    """One world below an empty folder; its parts stand under the names of the corpus's placeholders.

    Args:
        base: an empty folder.
        workspace: where the workspace is made; below `base` by default.

    Attributes:
        sink: the server that must get no request.
        first: how all of it looked when it was made, see `look`.
        ws: the workspace.
        out: a folder outside, with `secret.txt`.
        home: the person's home.
        data: where runs are recorded; it becomes `$CONDUCTOR_HOME`.
        job: the folder of the run, once there is one.
    """

    def __init__(self, base: Path, workspace: Path | None = None) -> None:
        base = base.resolve()
        self.base, self.sink = base, Sink()
        self.ws = workspace or base / "ws"
        self.out, self.home, self.data = base / "out", base / "home", base / "data"
        self.siblings = tuple(self.ws.with_name(self.ws.name + end) for end in ("-evil", "x"))
        for folder in (self.out, self.data, *self.siblings, self.ws / ".git/objects", self.ws / ".git/refs/heads"):
            folder.mkdir(parents=True)
        self.job = self.data / "runs" / "none"
        self._fill(self.ws, _WORKSPACE)
        self._fill(self.home, _HOME)
        (self.out / "secret.txt").write_text("CANARY-OUT\n")
        (self.siblings[0] / "secret.txt").write_text("CANARY-EVIL\n")
        (self.siblings[1] / "secret.txt").write_text("CANARY-SIBLING\n")
        (self.ws / "x").chmod(0o755)
        (self.home / ".ssh/id_rsa").chmod(0o600)
        self.names = {
            "WS": str(self.ws),
            "OUT": str(self.out),
            "HOME": str(self.home),
            "NOTEBOOK": str(self.ws / "analysis.ipynb"),
            "PID": str(os.getpid()),
            "SINK": self.sink.url,
            "SINKHOST": self.sink.host,
            "SINKPORT": str(self.sink.port),
            "CANARY": "CANARY-OUT",
        }
        self.first = self.look()

    @staticmethod
    def _fill(folder: Path, files: dict[str, str]) -> None:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def at_job(self, folder: Path) -> None:
        """Tell the world the folder of the run."""
        self.job = folder
        self.names["JOB"] = str(folder)

    def environment(self) -> dict[str, str]:
        """The variables of the kernel that say where things are."""
        return {
            "HOME": str(self.home),
            "CONDUCTOR_HOME": str(self.data),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTER_CONFIG_DIR": str(self.home / ".jupyter"),
            "JUPYTER_DATA_DIR": str(self.home / ".local/share/jupyter"),
            "IPYTHONDIR": str(self.home / ".ipython"),
        }

    def expanded(self, value: Any) -> Any:
        """A row's value with this world's names in it."""
        return expand(value, self.names)

    def place(self, name: str) -> Path:
        """Where a setup's path lies: relative ones are of the workspace."""
        return self.ws / self.expanded(name)

    def look(self) -> dict[str, Tree]:
        """How all of it looks now.

        `outside` is what lies outside the workspace: other folders and the siblings. `protected` is what of the
        workspace only a person may change, in whatever letter case it is spelled.
        """
        inside = tree(self.ws)
        return {
            "outside": {
                f"{at.name}/{name}": what for at in (self.out, *self.siblings) for name, what in tree(at).items()
            },
            "home": tree(self.home),
            "inside": inside,
            "protected": {name: what for name, what in inside.items() if name.casefold().startswith(_PROTECTED)},
        }

    def close(self) -> None:
        """End its server."""
        self.sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def tree(folder: Path) -> Tree:
    """All that lies below a folder: relative path -> kind with a digest of the content, or a link's target.

    What goes away while it is looked at is left out: some rows have names that come and go.
    """
    found: Tree = {}
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = f"{where}/{name}"
            with suppress(FileNotFoundError, NotADirectoryError):
                found[path[len(str(folder)) + 1 :]] = _kind(path)
    return found


def _kind(path: str) -> str:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return f"link {Path(path).readlink()}"
    if not stat.S_ISREG(status.st_mode):
        return f"{stat.S_IFMT(status.st_mode):o}"
    content = b""
    if status.st_size <= _LARGEST:
        content = Path(path).read_bytes()
    return f"{status.st_size} {hashlib.sha256(content).hexdigest()[:12]} {status.st_mode:o}"


def leaks(text: str) -> list[str]:
    """The secrets that a text gives away: plainly, reversed, in hex, or in base64 at any offset."""
    lowered = text.lower()
    return [canary for canary in CANARIES if any(form.lower() in lowered for form in _forms(canary))]


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    shifted: list[str] = []
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        # The first and last signs depend on what stands beside it.
        shifted.append(encoded[(0, 2, 3)[offset] : len(encoded) - 4])
    return [secret, secret[::-1], raw.hex(), *shifted]
