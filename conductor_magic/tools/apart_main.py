"""The frame of a small program that `apart.py` starts; it is run, never imported.

`apart_main.py SCRIPT HANDLE ARGUMENT…`: calls the script's `answer(file, *arguments)` under limits, and writes what
comes back: a line of JSON, then bytes. What goes wrong is a line too: `{"error": …}`, with the script's `FAULT` in it.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import sys

_LIMITS = ((resource.RLIMIT_CPU, 25), (resource.RLIMIT_DATA, 2 << 30))


def main() -> None:
    """Answer once."""
    # What a library complains about is no answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for kind, most in _LIMITS:
        limit(kind, most)
    script = runpy.run_path(sys.argv[1])
    try:
        with os.fdopen(int(sys.argv[2]), "rb") as file:
            answer, content = script["answer"](file, *sys.argv[3:])
    except MemoryError:
        answer, content = {"error": f"is {script['FAULT']}: it takes too much memory."}, b""
    except Exception as error:  # noqa: BLE001 - a library may raise anything over a file that is not what it seems
        said = " ".join(str(error).split())[:200] or type(error).__name__
        answer, content = {"error": f"is {script['FAULT']}: {said.removesuffix('.')}."}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)


def limit(kind: int, most: int) -> None:
    """Limit the process, as far as the system knows the limit and the walls have not set a lower one."""
    _, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    main()
