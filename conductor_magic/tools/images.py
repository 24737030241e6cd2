"""Images as a model is shown them."""

from __future__ import annotations

import base64
import zlib
from importlib.util import find_spec
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.tools.apart import answer_apart
from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.opened import Opened
from conductor_magic.web.pictures import pixels

__all__ = ["image_block", "show_image"]

Json = dict[str, Any]

_MOST_BYTES = 5 * 1024 * 1024 * 3 // 4
"""The API takes 5 MiB of an image's base64 text."""

_MOST_PIXELS = 8_000
"""A side of an image, as the API takes it."""

_USEFUL_PIXELS = 2_000
"""More than a model sees of a side, and the most where a request carries many images."""


async def show_image(file: Opened, media_type: str, context: ToolContext) -> list[Json]:
    """An image file as content blocks: what it is, and the image; made smaller where it is too large.

    Raises:
        ToolError: it cannot be shown.
    """
    kind = _kind(media_type)
    if "image" not in context.takes:
        raise ToolError(f"{file.asked}: is {kind}, and this model takes no images: use Python to find out about it.")
    size = pixels(file.head)
    if size is None or (file.content is not None and not _is_whole(file.content, media_type)):
        raise ToolError(f"{file.asked}: is {kind} that is broken or cut off, so it cannot be shown.")
    said = f"{file.asked}: {kind}, {size[0]} × {size[1]} pixels, {file.size:,} bytes"
    too_large = max(size) > _MOST_PIXELS or file.size > _MOST_BYTES
    if find_spec("PIL") is None and too_large:
        raise ToolError(
            f"{said}: at most {_MOST_PIXELS:,} pixels a side and {_MOST_BYTES:,} bytes can be shown. "
            "Make a smaller copy with Bash or Python, and read that."
        )
    content = file.content
    if too_large or (max(size) > _USEFUL_PIXELS and find_spec("PIL") is not None):
        limits = [str(_USEFUL_PIXELS), str(_MOST_BYTES)]
        answer, content = await answer_apart("image", file.handle, limits, context.walls, file.asked)
        media_type = answer["media_type"]
        said += f"; shown at {answer['width']} × {answer['height']}"
    assert content is not None
    return [{"type": "text", "text": f"{said}."}, _block(content, media_type)]


def image_block(content: bytes, media_type: str) -> Json:
    """An image that is at hand, as a content block.

    Raises:
        ToolError: it is broken, or too large to be shown as it is.
    """
    size = pixels(content)
    if size is None or not _is_whole(content, media_type):
        raise ToolError("broken or cut off")
    if max(size) > _MOST_PIXELS or len(content) > _MOST_BYTES:
        raise ToolError(f"too large to be shown: {size[0]} × {size[1]} pixels, {len(content):,} bytes")
    return _block(content, media_type)


def _block(content: bytes, media_type: str) -> Json:
    data = base64.b64encode(content).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def _kind(media_type: str) -> str:
    return {
        "image/png": "a PNG image",
        "image/jpeg": "a JPEG image",
        "image/gif": "a GIF image",
        "image/webp": "a WebP image",
    }[media_type]


def _is_whole(content: bytes, media_type: str) -> bool:
    """Whether it ends where it should. A request with a broken image is refused, and so is each one after it."""
    match media_type:
        case "image/png":
            return _png_is_whole(content)
        case "image/jpeg":
            return b"\xff\xd9" in content[-(1 << 16) :]
        case "image/gif":
            return b"\x3b" in content[-(1 << 10) :]
        case _:
            return len(content) >= int.from_bytes(content[4:8], "little") + 8


def _png_is_whole(content: bytes) -> bool:
    """Whether its pieces follow each other to the last, each with the right checksum."""
    at, view = 8, memoryview(content)
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if end + 4 > len(content) or zlib.crc32(view[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            return False
        if content[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False
