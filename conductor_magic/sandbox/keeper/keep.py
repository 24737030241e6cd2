"""The keeper of one command inside Landlock walls: makes its private folders, starts it, outlives it, clears up.

It runs as a program of its own (`launch.py`), with nothing of the package imported, and stays beside the command as
its parent, outside of the walls:

* Whatever the command leaves behind, detached or not, becomes the keeper's child (it is the subreaper) and is killed
  when the command ends, when the keeper is told to end, and when the process that started the keeper dies.
* A few system calls that Landlock knows nothing of are put to it one by one; see `mediate`.
* The private home and temporary folder are removed at the very end.

Usage: ``launch.py WORD VALUE … -- COMMAND …`` with the words of `Plan`.
"""

from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]  # `signal` takes long to import
import _socket
import os
import resource
import select
import sys
import time

import domain
import filters
import mediate

_SIGNALS = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)
_PRIVATE = ("/home", "/tmp")  # noqa: S108  # below a folder of this command's own
_NOT_STARTED = 126
_DYING_SECONDS = 0.002


class Plan:
    """What the command line says.

    Attributes:
        rules: (kind, path) in order; kinds are those of `domain.RIGHTS`.
        spared: (kind, path) of what is spared from them; kinds are those of `domain.WITHHELD`.
        limits: (name of a resource limit, value).
        changeable: folders below which the command may change modes, owners and times.
        argv: the command.
    """

    def __init__(self, words: list[str]) -> None:
        split = words.index("--")
        self.argv = words[split + 1 :]
        self.rules: list[tuple[str, str]] = []
        self.spared: list[tuple[str, str]] = []
        self.limits: list[tuple[str, int]] = []
        self.parent = self.abi = 0
        self.scratch = self.folder = "/"
        for word, value in zip(words[:split:2], words[1:split:2], strict=True):
            if word in domain.RIGHTS:
                self.rules.append((word, value))
            elif word in domain.WITHHELD:
                self.spared.append((word, value))
            elif word.startswith("RLIMIT_"):
                self.limits.append((word, int(value)))
            elif word in ("parent", "abi"):
                setattr(self, word, int(value))
            elif word in ("scratch", "folder"):
                setattr(self, word, value)
            else:
                raise ValueError(f"unknown word {word!r}")
        self.changeable = tuple(path for kind, path in self.rules if kind == "write")


def main() -> None:
    """Keep one command, and end with its exit code (128 and more: the signal that ended it)."""
    plan = Plan(sys.argv[1:])
    domain.give_up_privileges()
    domain.die_with(plan.parent, _signal.SIGTERM)
    domain.adopt_orphans()
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    for number in (*_SIGNALS, _signal.SIGCHLD):
        _signal.signal(number, lambda *_: None)
    _signal.set_wakeup_fd(waker)
    code = _NOT_STARTED
    for folder in ("", *_PRIVATE):
        os.mkdir(plan.scratch + folder, 0o700)
    try:
        code = _keep(plan, woken)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told, and nothing is left behind
        os.write(2, f"The walls could not be put up: {error}\n".encode(errors="replace"))
    _end_all()
    _remove(plan.scratch)
    os._exit(code)


def _keep(plan: Plan, woken: int) -> int:
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        _become(plan, keeper, theirs)
    theirs.close()
    # Holds the very entry of /proc that the command's rule names: it would be made anew under memory pressure.
    pin = os.open(f"/proc/{child}", os.O_PATH)
    listener = _receive(ours)
    try:
        return _serve(child, listener, woken, mediate.Mediator(listener, plan.changeable, keeper))
    finally:
        os.close(pin)


def _become(plan: Plan, keeper: int, channel: _socket.socket) -> None:
    """In the child: go inside the walls and turn into the command."""
    try:
        domain.die_with(keeper, _signal.SIGKILL)
        os.setsid()
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGTERM):
            _signal.signal(number, _signal.SIG_DFL)
        for name, value in plan.limits:
            _limit(getattr(resource, name), value)
        domain.enter(plan.abi, plan.rules, plan.spared)
        listener = filters.install(plan.abi)
        channel.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, listener.to_bytes(4, sys.byteorder))])
        os.close(listener)
        os.chdir(plan.folder)
        os.execvpe(plan.argv[0], plan.argv, os.environ)  # noqa: S606
    except BaseException as error:  # noqa: BLE001  # this process must never return into the keeper's code
        os.write(2, f"{plan.argv[0]}: {error}\n".encode(errors="replace"))
    os._exit(_NOT_STARTED)


def _limit(kind: int, value: int) -> None:
    most = resource.getrlimit(kind)[1]
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (value, value))


def _receive(channel: _socket.socket) -> int:
    """The descriptor that the child's calls are put on, or -1 when the child ended before it sent one."""
    _, sent, _, _ = channel.recvmsg(1, _socket.CMSG_SPACE(4), _socket.MSG_CMSG_CLOEXEC)
    return int.from_bytes(sent[0][2][:4], sys.byteorder) if sent else -1


def _serve(child: int, listener: int, woken: int, mediator: mediate.Mediator) -> int:
    """Answer calls until the command ends, or the keeper is told to end; the exit code."""
    waiting = select.poll()
    waiting.register(woken, select.POLLIN)
    if listener >= 0:
        waiting.register(listener, select.POLLIN)
    while True:
        for place, event in waiting.poll():
            if place == listener:
                if event & select.POLLIN:
                    mediator.answer()
                else:
                    waiting.unregister(listener)
                continue
            told = [number for number in os.read(woken, 4096) if number in _SIGNALS]
            if told:
                return 128 + told[0]
            code = _reap(child)
            if code is not None:
                return code


def _reap(child: int) -> int | None:
    """Take the ends of whatever has ended; the command's exit code when it is among them."""
    code = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return code
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                code = 128 - code if code < 0 else code
    except ChildProcessError:
        return code


def _end_all() -> None:
    """Kill what is left, until there is no child: then there is no descendant either."""
    try:
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            for pid in mediate.descendants(os.getpid()):
                try:
                    os.kill(pid, _signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(_DYING_SECONDS)
    except ChildProcessError:
        return


def _remove(folder: str) -> None:
    """Remove the private folders; nobody is left who could change them meanwhile."""
    try:
        for inner in (*_PRIVATE, ""):
            os.rmdir(folder + inner)
    except OSError:
        import shutil

        for here, inner, _ in os.walk(folder):
            for name in inner:
                path = f"{here}/{name}"
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
