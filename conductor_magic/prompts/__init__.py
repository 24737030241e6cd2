"""Every text that the engine itself says to a model, by whom it is said to. Pure; recorded where it is said.

`conductor`: what the conductor is and is told first. `worker`: what a worker is told. `cleaning`: a worker's prompt as
the conductor wrote it, without what we say ourselves. `status`: what its report says of its own end. `notices`: what
the conductor is woken with. `shared`: for both.
"""

from conductor_magic.prompts.cleaning import strip_preamble, task_id_prefix
from conductor_magic.prompts.conductor import CONDUCTOR, STRATEGIES, conductor_prompt, value_text
from conductor_magic.prompts.notices import notice_text, unread_results, unsettled_text
from conductor_magic.prompts.shared import repair_text
from conductor_magic.prompts.status import parse_status
from conductor_magic.prompts.worker import (
    PAGE_READER,
    PREAMBLE,
    STATUS_RULE,
    WORKER,
    long_results,
    stalled_text,
    worker_prompt,
    worker_system,
)

__all__ = [
    "CONDUCTOR",
    "PAGE_READER",
    "PREAMBLE",
    "STATUS_RULE",
    "STRATEGIES",
    "WORKER",
    "conductor_prompt",
    "long_results",
    "notice_text",
    "parse_status",
    "repair_text",
    "stalled_text",
    "strip_preamble",
    "task_id_prefix",
    "unread_results",
    "unsettled_text",
    "value_text",
    "worker_prompt",
    "worker_system",
]
