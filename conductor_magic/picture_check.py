"""Is a picture of a stranger's small enough to be painted by a browser, however it is packed?

A page shows it as an image, where nothing in it runs or loads. What is left to it is to be huge when it is unpacked:
a PNG of a hundred million pixels, or an SVG whose parts name each other until they are a billion. Both are looked for.
"""

from __future__ import annotations

from conductor_magic.svg_check import check_svg
from conductor_magic.web.pictures import media_type, pixels

__all__ = ["check_picture"]

_MOST_PIXELS = 40_000_000


def check_picture(content: bytes) -> str:
    """The media type of a picture that a browser can paint.

    Raises:
        ValueError: it is none, or would take too much.
    """
    found = media_type(content)
    if found.startswith("image/"):
        _check_pixels(content)
        return found
    if b"<svg" not in content[:4096]:
        raise ValueError("it is no picture that is known here")
    check_svg(content, _check_pixels)
    return "image/svg+xml"


def _check_pixels(content: bytes) -> int:
    """How many pixels the picture has."""
    width, height = pixels(content) or (0, 0)
    if not width or not height:
        raise ValueError("it is broken or cut off")
    if width * height > _MOST_PIXELS:
        raise ValueError(f"it has {width:,} × {height:,} pixels")
    return width * height
