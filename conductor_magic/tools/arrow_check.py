"""Is this file the Arrow file that it claims to be, and no more when it is unpacked than it is now?

Its layout is looked at first, see `frames/layout.py`; only then is the file given to pyarrow, which checks the rest.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any

from conductor_magic.frames.layout import ROOM, check_layout

__all__ = ["check_arrow"]


def check_arrow(descriptor: int, size: int) -> tuple[int, ...]:
    """The shape of the frame in an Arrow file.

    Args:
        descriptor: of the file.
        size: its bytes.

    Raises:
        ValueError: it is no Arrow file, is compressed, or is not what it says.
    """
    import pyarrow as arrow

    content = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)  # closed with the last array that looks into it
    try:
        check_layout(content, size)
        return _check_content(arrow, arrow.py_buffer(content), size)
    except (
        arrow.ArrowException,
        OSError,
        MemoryError,
        OverflowError,
        TypeError,
        AttributeError,
        struct.error,
    ) as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _check_content(arrow: Any, buffer: Any, size: int) -> tuple[int, ...]:
    reader = arrow.ipc.open_file(buffer)
    batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    for batch in batches:
        batch.validate(full=True)
    # Columns that share bytes of the file would each be a copy of them in a frame.
    if sum(batch.nbytes for batch in batches) > size + ROOM:
        raise ValueError("it unpacks to more than it is")
    from conductor_magic.frames.files import shape_of

    return shape_of(reader.schema, sum(batch.num_rows for batch in batches))
