"""Real kernels of several ipykernel versions over one environment.

A second virtual environment per version would be exact and slow. ipykernel is pure Python and shares its needs across
the versions of interest, so a version that is not the installed one is put alone into a folder
(``.venv-kernels/<version>``, made once), and that folder goes first on the kernel's ``PYTHONPATH``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

REPOSITORY = Path(__file__).resolve().parents[2]
VERSIONS = list(dict.fromkeys(["6.31.0", installed("ipykernel")]))
"""The ipykernel versions that live messages are tested on; the last one is the installed one."""

BETWEEN = "7.1.0"
"""One of those (7.0 to 7.3) whose widgets have a thread of their own, for what is tested on every kind of kernel."""

CACHE = Path(os.environ.get("CONDUCTOR_TEST_KERNELS", REPOSITORY / ".venv-kernels"))


@dataclass(frozen=True)
class Kernel:
    """How to start one kind of kernel: the interpreter, and what its environment has on top of ours."""

    python: str = sys.executable
    env: Mapping[str, str] = field(default_factory=dict)

    def write_spec(self, data_dir: Path, name: str) -> None:
        """Write a kernelspec ``name`` into the Jupyter data folder ``data_dir``."""
        folder = data_dir / "kernels" / name
        folder.mkdir(parents=True)
        spec = {
            "argv": [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
            "env": dict(self.env),
        }
        (folder / "kernel.json").write_text(json.dumps(spec))


def kernel(version: str = "", *, env: Mapping[str, str] | None = None) -> Kernel:
    """Return a kernel with this ipykernel version (default: the installed one), fetched on first use.

    Raises:
        RuntimeError: the version could not be installed; the message carries pip's own last words.
    """
    folders = [str(REPOSITORY)]
    if version and version != VERSIONS[-1]:
        folders.insert(0, str(_fetched(version)))
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*folders, *([inherited] if inherited else [])])
    return Kernel(env={"PYTHONPATH": path, **(env or {})})


class Session:
    """A started kernel and a client of it; what the kernel publishes is kept in ``seen``, oldest first."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.seen: list[dict[str, Any]] = []

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """Return the next published message that is wanted; an ``AssertionError`` tells what came instead."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=rest)
            except Empty:
                break
            self.seen.append(message)
            if wanted(message):
                return message
        tail = "\n".join(f"{m['msg_type']}: {m['content']}" for m in self.seen[-15:])
        raise AssertionError(f"not published within {seconds} s; the last messages were\n{tail}")

    def until_printed(self, text: str, seconds: float = 20) -> dict[str, Any]:
        """Return the stream message that completes ``text``; a print may arrive in several pieces."""
        start = len(self.seen)
        return self.until(lambda m: m["msg_type"] == "stream" and text in _streamed(self.seen[start:]), seconds)

    def printed_by(self, request: str) -> str:
        """Return what a cell that has run printed."""
        return _streamed([m for m in self.seen if m["parent_header"].get("msg_id") == request])

    def until_idle(self, request: str, seconds: float = 20) -> None:
        """Return when the kernel says that it is done with this request."""
        self.until(
            lambda m: (
                m["msg_type"] == "status"
                and m["content"]["execution_state"] == "idle"
                and m["parent_header"].get("msg_id") == request
            ),
            seconds,
        )

    def run(self, code: str, seconds: float = 20) -> str:
        """Run a cell to its end and return what it printed; an error in it is an ``AssertionError``."""
        request = self.client.execute(code)
        self.until_idle(request, seconds)
        errors = [m for m in self.seen if m["msg_type"] == "error" and m["parent_header"].get("msg_id") == request]
        assert not errors, "\n".join(errors[0]["content"]["traceback"])
        return self.printed_by(request)

    def send(self, kind: str, content: dict[str, Any], *, metadata: dict[str, Any] | None = None) -> str:
        """Send a request on the shell channel, as a page does, and return its id."""
        message = self.client.session.msg(kind, content, metadata=metadata)
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]


@contextmanager
def started(spec: Kernel) -> Iterator[Session]:
    """Start a kernel, ready to run cells, with Jupyter and IPython folders of its own; it is ended at the end."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as home:
        spec.write_spec(Path(home), "under-test")
        specs = KernelSpecManager(kernel_dirs=[str(Path(home, "kernels"))], ensure_native_kernel=False)
        manager = KernelManager(kernel_name="under-test", kernel_spec_manager=specs)
        manager.start_kernel(env={**os.environ, "IPYTHONDIR": home, "JUPYTER_CONFIG_DIR": home})
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield Session(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _streamed(messages: list[dict[str, Any]]) -> str:
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def _fetched(version: str) -> Path:
    folder = CACHE / version
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    # Filled aside and moved into place whole, so that test processes side by side never see half of it.
    aside = Path(tempfile.mkdtemp(prefix=f"{version}-", dir=CACHE))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(aside)]
    done = subprocess.run([*pip, f"ipykernel=={version}"], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(aside)
        raise RuntimeError(
            f"ipykernel {version} is needed for this test and pip could not get it:\n{done.stderr[-800:]}"
        )
    try:
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside)  # another process was faster
    return folder
