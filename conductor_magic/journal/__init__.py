"""The one truth of a run: an append-only file of records, and the state that they fold to.

A line is one record::

    {"sum":"1b2c3d4e","seq":7,"at":1767225600.25,"event":{"kind":"task.created",…}}

`sum` is the CRC-32 of the bytes after it, in lower-case hex, compared as text. A last line that is cut short, or whose
sum is off, is a torn tail: who goes on with the run moves it to `journal.torn-N` beside the journal and tells of it.
Anything else that does not fit (a bad line before the last, a whole line out of its place) is damage: the file is left
as it is and refused.

`lines` knows a line, `file` reads, checks and repairs a journal that lies there, `disk` puts bytes on the disk, and
`writing` has the `Journal`, which appends.
"""

from __future__ import annotations

from conductor_magic.journal.file import NAME, OWNER, is_open, read_records, read_state, repair
from conductor_magic.journal.lines import decode, encode
from conductor_magic.journal.writing import TOUCH_SECONDS, Clock, Journal, steady_clock

__all__ = [
    "NAME",
    "OWNER",
    "TOUCH_SECONDS",
    "Clock",
    "Journal",
    "decode",
    "encode",
    "is_open",
    "read_records",
    "read_state",
    "repair",
    "steady_clock",
]
