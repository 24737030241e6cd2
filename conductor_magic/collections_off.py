"""Makes a great many values without looking for garbage among them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collections"]


@contextmanager
def no_collections() -> Iterator[None]:
    """Look for no circles of garbage meanwhile, nor among what was made as soon as it is over.

    Of a long run that is a million values, none of them garbage; to look through them takes longer than to make them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            # Both together make everything count as old, which is looked through seldom.
            gc.freeze()
            gc.unfreeze()
        gc.enable()
