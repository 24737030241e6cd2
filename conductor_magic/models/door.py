"""What every request to the provider passes; what it is made of is for those who ask a person (`access.py`)."""

from __future__ import annotations

from typing import Protocol

from conductor_magic.errors import ModelError

__all__ = ["Door"]


class Door(Protocol):
    """What every request passes: shut while the provider takes none, because of the credential or the account.

    Attributes:
        shut: whether it is.
        times: how often it was opened again.
    """

    shut: bool
    times: int

    def refused(self, error: ModelError, times: int) -> bool:
        """Note an error; gives whether it is the door's matter, so that the request waits there and is sent again.

        Args:
            error: how a request failed.
            times: what `times` was when the request left.
        """
        ...

    async def opened(self, by: str) -> None:
        """Wait until it is open, for the asker `by`; where it stays shut, until the end of the run cancels this."""
        ...
