"""The process in which rows are played: the kernel of their world. A row a line in, what is wrong with it a line out.

`python -m tests.corpus.stage FOLDER [SMALL]`: FOLDER is where worlds are made, SMALL a small disk for the workspaces of
rows about a full one. Its environment is the kernel's, with the secrets that no child of a run may see.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from tests.corpus.magic_rows import Notebook
from tests.corpus.tool_rows import Player, watch_processes


def main(folder: Path, small: Path | None) -> None:
    """Play rows until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what anything else prints must not be taken for an answer
    watch_processes()
    player = Player(folder, small)
    notebook: Notebook | None = None
    for line in sys.stdin:
        row = json.loads(line)
        try:
            if row["category"] == "magic":
                notebook = notebook or Notebook(folder / "notebook")
                wrong = notebook.judge(row)
            else:
                wrong = player.judge(row)
        except BaseException:  # noqa: BLE001  # said to whoever asked
            wrong = [traceback.format_exc()]
        answers.write(json.dumps(wrong) + "\n")
        answers.flush()
    player.close()
    if notebook:
        notebook.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
