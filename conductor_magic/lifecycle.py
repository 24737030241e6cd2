"""The life of a task: the statuses that it can have, and the steps between them.

::

                    launched, blockers done, a slot
    blocked ⇄ ready ───────────────────────────────▶ running ──▶ completed
       │        │ ▲                                     │ │
       │        │ └──────────── another attempt ────────┘ ├────▶ failed ──(launched again)──▶ ready
       ▼        ▼                                         ▼
    skipped, cancelled                                 cancelled

`WAITING` in the table stands for `blocked` or `ready`, whichever the blockers make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["TRANSITIONS", "WAITING", "TaskStatus"]

TaskStatus = Literal["blocked", "ready", "running", "completed", "failed", "cancelled", "skipped"]
WAITING = "waiting"

# step -> {status before: status after}; a step that meets any other status is refused.
TRANSITIONS: Mapping[str, Mapping[str, str]] = {
    "launched": {"blocked": WAITING, "ready": WAITING, "failed": WAITING, "cancelled": WAITING},
    "started": {"ready": "running"},
    "ended well": {"running": "completed"},
    "ended for now": {"running": WAITING},
    "ended for good": {"running": "failed"},
    "stopped": {"running": "cancelled"},
    "edited": {
        "blocked": WAITING,
        "ready": WAITING,
        "failed": "failed",
        "running": "running",
        "completed": "completed",
    },
    "deleted": {"blocked": "cancelled", "ready": "cancelled", "failed": "cancelled", "running": "running"},
    "cancelled": {"blocked": "cancelled", "ready": "cancelled", "failed": "cancelled"},
    "skipped": {"blocked": "skipped", "ready": "skipped"},
    "continued": {"ready": "running", "running": "running", "failed": "running", "cancelled": "running"},
    "put back": {"skipped": WAITING, "failed": WAITING, "cancelled": WAITING},
}
