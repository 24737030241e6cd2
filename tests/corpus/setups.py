"""What a row wants made in its world first: each kind of `setup` by its name.

A kind's argument is a path, or a list that begins with one; relative paths are of the workspace. What runs while the
row is played (races, a listener) is stopped when its context ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.corpus.outer import REPOSITORY
from tests.corpus.world import World

__all__ = ["KINDS", "RACES", "prepared"]

RACES = frozenset({"race_symlink", "race_write"})
"""Kinds whose danger is in the timing: the row is played many times."""


@contextmanager
def prepared(world: World, setup: list[dict[str, Any]]) -> Iterator[None]:
    """Make all of a row's setup; undo what runs when the row has been played.

    Raises:
        KeyError: a kind that nobody knows: the row must not be played without it.
    """
    with ExitStack() as stack:
        for step in setup:
            for kind, argument in step.items():
                arguments = argument if isinstance(argument, list) else [argument]
                running = KINDS[kind](world, *arguments)
                if running is not None:
                    stack.enter_context(running)
        yield


def _new(world: World, name: str) -> Path:
    path = world.place(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _symlink(world: World, name: str, target: str) -> None:
    _new(world, name).symlink_to(world.expanded(target))


def _hardlink(world: World, name: str, target: str) -> None:
    os.link(world.place(target), _new(world, name))


def _file(world: World, name: str, content: Any = "") -> None:
    _new(world, name).write_text(world.expanded(content), errors="surrogatepass")


def _bytes(world: World, name: str, content: str) -> None:
    _new(world, name).write_bytes(bytes.fromhex(content))


def _fifo(world: World, name: str) -> None:
    os.mkfifo(_new(world, name))


def _dir(world: World, name: str) -> None:
    world.place(name).mkdir(parents=True, exist_ok=True)


def _sparse(world: World, name: str, size: int) -> None:
    with _new(world, name).open("wb") as file:
        file.truncate(size)


def _remove(world: World, name: str) -> None:
    path = world.place(name)
    if path.is_dir() and not path.is_symlink():
        for where, folders, files in os.walk(path, topdown=False):
            for inside in files:
                Path(where, inside).unlink()
            for inside in folders:
                below = Path(where, inside)
                below.unlink() if below.is_symlink() else below.rmdir()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _socket(world: World, name: str) -> Any:
    return _listening(world, name)


@contextmanager
def _listening(world: World, name: str) -> Iterator[None]:
    """A Unix socket that somebody listens at; whoever connects counts as a hit of the sink."""
    where = _new(world, name) if not name.startswith("\0") else None
    here = Path.cwd()
    server = socket.socket(socket.AF_UNIX)
    if where is None:
        server.bind(name)
    else:
        os.chdir(where.parent)  # the name of a socket may have 107 bytes only
        try:
            server.bind(where.name)
        finally:
            os.chdir(here)
    server.listen()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                world.sink.hits.append(f"unix {name}")
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@contextmanager
def _over_and_over(step: Callable[[int], None]) -> Iterator[None]:
    """Repeat a step in a thread for as long as the row is played."""
    over = threading.Event()

    def repeat() -> None:
        number = 0
        while not over.is_set():
            with suppress(OSError):
                step(number)
            number += 1
            time.sleep(0)

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)


def _race_symlink(world: World, name: str, target: str) -> Any:
    """The name is by turns what it was and a link to the target, swapped in one step each time."""
    path, aside, link = _new(world, name), world.place(name + ".aside"), world.place(name + ".link")
    if not path.exists():
        path.mkdir()
    link.symlink_to(world.expanded(target))

    def swap(number: int) -> None:
        if number % 2 == 0:
            path.rename(aside)
            link.rename(path)
        else:
            path.rename(link)
            aside.rename(path)

    return _over_and_over(swap)


def _race_write(world: World, name: str, content: str = "written meanwhile\n") -> Any:
    """Somebody else writes the file all the time."""
    path = _new(world, name)

    def write(number: int) -> None:
        aside = path.with_name(path.name + ".other")
        aside.write_text(f"{world.expanded(content)}{number}\n")
        aside.rename(path)

    return _over_and_over(write)


def _package(world: World, name: str) -> None:
    """This very project, put into the workspace: where it is installed for real, workers can import it."""
    shutil.copytree(REPOSITORY / name, world.place(name), ignore=shutil.ignore_patterns("__pycache__"))


def _disk_full(world: World, _where: Any = None) -> Any:
    """The disk that the workspace is on takes no more: only where that disk is small, in the outer sandbox."""
    room = os.statvfs(world.ws)
    free = room.f_bavail * room.f_frsize
    assert free <= 4 << 20, "a row about a full disk is played on the small disk of the outer sandbox"
    filler = world.ws / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


KINDS: dict[str, Callable[..., Any]] = {
    "symlink": _symlink,
    "hardlink": _hardlink,
    "file": _file,
    "bytes": _bytes,
    "fifo": _fifo,
    "socket": _socket,
    "dir": _dir,
    "sparse": _sparse,
    "remove": _remove,
    "race_symlink": _race_symlink,
    "race_write": _race_write,
    "disk_full": _disk_full,
    "package": _package,
    "listen_unix": _listening,
}
