"""A process that plays one run, or goes on with it, to be killed: `python -m tests.faults.victim WORKSPACE [RUN]`.

It prints `begun` once the run exists or is taken over, `connected` once it can work, and its status at its end.
"""

from __future__ import annotations

import sys
import time

from conductor_magic.api import conduct, resume


def main(workspace: str, run: str = "") -> None:
    """Play the run to its end."""
    going = resume(run, quiet=True) if run else conduct("Do all of it.", workspace=workspace, workers=6, quiet=True)
    print("begun", going.id, flush=True)
    before = going.state.tiers
    while going.state.tiers is before and not going.done.is_set():
        time.sleep(0.01)
    print("connected", flush=True)
    result = going.wait()
    print(result.status, result.reason, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
