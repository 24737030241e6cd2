"""Makes an image smaller; run by `apart_main.py`, never imported."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

FAULT = "no image that can be made smaller"
_MOST_PIXELS = 200_000_000


def answer(file: Any, side: str, size: str) -> tuple[dict[str, Any], bytes]:
    """The image with at most `side` pixels a side, in at most `size` bytes.

    Returns:
        `media_type`, `width`, `height`, and the bytes of the new image.
    """
    from PIL import Image, ImageOps

    most = int(side), int(side)
    Image.MAX_IMAGE_PIXELS = None  # counted here, before anything is decoded
    image = Image.open(file)
    if image.width * image.height > _MOST_PIXELS:
        return {"error": f"is an image of {image.width} × {image.height} pixels, too many to be made smaller."}, b""
    image.draft("RGB", most)
    image = ImageOps.exif_transpose(image)
    image.thumbnail(most)
    for kind, mode, options in _attempts(image):
        made = io.BytesIO()
        image.convert(mode).save(made, kind, **options)
        if made.tell() <= int(size):
            return {
                "media_type": f"image/{kind.lower()}",
                "width": image.width,
                "height": image.height,
            }, made.getvalue()
    return {"error": "is an image that stays too large however it is packed."}, b""


def _attempts(image: Any) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Without loss first, then as a photograph of falling quality."""
    clear = "A" in image.getbands() or "transparency" in image.info
    yield "PNG", "RGBA" if clear else "RGB", {}
    for quality in (85, 60, 30):
        yield "JPEG", "RGB", {"quality": quality}
