"""A run whose record lies on a disk of its own, a small one: `python -m tests.faults.small_disk HOME WORKSPACE`.

It prints how the run ended, makes the disk large, goes on with the run, and prints how that ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from conductor_magic.api import conduct, resume
from conductor_magic.run import Run

SMALL, LARGE = "size=600k", "size=64m"


def main(home: str, workspace: str) -> None:
    """Play the run until the disk is full, then to its end."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", home], check=True)
    os.environ["CONDUCTOR_HOME"] = home
    run = conduct("Do all of it.", workspace=workspace, workers=2, window=10_000_000, quiet=True)
    tell(run)
    subprocess.run(["mount", "-o", f"remount,{LARGE}", home], check=True)
    tell(resume("last", quiet=True))


def tell(run: Run) -> None:
    """Wait for the run, and print its end."""
    result = run.wait(60)
    print(json.dumps([result.status, run.trouble, len(run._journal.records)]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
