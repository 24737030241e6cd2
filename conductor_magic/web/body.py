"""Reads the body of a response up to a cap, whatever its headers promise and however it is packed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from conductor_magic.errors import ToolError

if TYPE_CHECKING:
    import httpx2

__all__ = ["read_body"]

_GZIP = 16 + zlib.MAX_WBITS


async def read_body(response: httpx2.Response, most: int) -> tuple[bytes, str]:
    """The body, unpacked, and why it is not whole (empty when it is). What lies beyond the cap is never read.

    Args:
        response: a response whose stream nobody has read; it is not closed here.
        most: the most bytes that are taken, from the wire and after unpacking.

    Raises:
        ToolError: it is packed in a way that was not asked for, or its packing is broken.
    """
    import httpx2

    inflate = _unpacker(response.headers.get("content-encoding", ""))
    pieces: list[bytes] = []
    size = wire = 0
    try:
        # Not `aiter_bytes`: it unpacks all that a read brought before anybody can count it.
        async for raw in response.stream:  # type: ignore[union-attr]
            wire += len(raw)
            piece = raw if inflate is None else inflate.decompress(raw, most - size + 1)
            pieces.append(piece)
            size += len(piece)
            if size > most or wire > most:
                return b"".join(pieces)[:most], f"cut after {most:,} bytes"
            if inflate is not None and inflate.eof:
                break
    except zlib.error:
        raise ToolError("The server says that its answer is packed with gzip, and it is not.") from None
    except (httpx2.RemoteProtocolError, httpx2.ReadError):
        # Less than Content-Length promised, or a connection that broke.
        return b"".join(pieces), f"the connection ended early, after {size:,} bytes"
    if inflate is not None and not inflate.eof and wire:
        return b"".join(pieces), f"the packed data ended early, after {size:,} bytes"
    return b"".join(pieces), ""


def _unpacker(coding: str) -> zlib._Decompress | None:
    match coding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(_GZIP)
        case other:
            raise ToolError(f"The server packs its answer as {other[:40]!r}, which was not asked for.")
