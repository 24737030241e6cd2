"""Images and documents of a conversation: kept as files beside the journal, filled in when a request leaves.

A tool hands them over as the API takes them, in base64. From there on the conversation and the journal hold references:
what it is, its sha256, its size, what it counts in tokens. So a picture of megabytes is a short line in both, and what
the journal says is enough to send the same request again. A reference names no path, and a file whose content is not
what its reference says is not sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.durable import write_whole
from conductor_magic.web.pdf import page_count
from conductor_magic.web.pictures import pixels

__all__ = ["KEPT", "inlined", "keep", "references", "token_bound"]

Json = dict[str, Any]

KEPT = "kept"
"""The type of a block's `source` that is a reference."""

_FOLDER = "seen"
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
}
_SHA256 = re.compile(r"[0-9a-f]{64}")

# What one request may carry: the API takes 32 MB, partners less; 100 images and pages, and when there are more than 20,
# none with a side of more than 2,000 pixels.
_MOST_BYTES = 20 << 20
_MOST_PIECES = 100
_LARGE_PIXELS = 2_000
_MOST_WITH_LARGE = 20

# An image counts by its area, up to what is seen of it (4,784 tokens); a page as an image and as its text, of which
# a page of small print has some 4,000 tokens.
_IMAGE_TOKENS = 8_000
_PAGE_TOKENS = 12_000


def keep(content: Sequence[Json], folder: Path) -> list[Json]:
    """The blocks of a tool's result with their images and documents kept as files and referred to.

    Reads and writes files, so it belongs in a thread.

    Args:
        content: content blocks.
        folder: the run's artifacts folder.
    """
    return [_kept(block, folder) for block in content]


def references(content: object) -> Iterator[Mapping[str, Any]]:
    """All references in messages or blocks, those inside tool results too."""
    if isinstance(content, (list, tuple)):
        for item in content:
            yield from references(item)
    elif isinstance(content, Mapping):
        found = _reference(content)
        if found is not None:
            yield found
        yield from references(content.get("content"))


def inlined(messages: Iterable[Json], folder: Path) -> tuple[Json, ...]:
    """The messages with every reference filled in, as the API takes them; it reads files.

    What is newest is filled in first. What no longer fits into a request, or is not there any more, becomes a line that
    says so.

    Args:
        messages: the conversation; left as it is.
        folder: the run's artifacts folder.
    """
    messages = tuple(messages)
    large = any(found["side"] > _LARGE_PIXELS for found in references(messages))
    room = _Room(folder / _FOLDER, _MOST_BYTES, _MOST_WITH_LARGE if large else _MOST_PIECES)
    return tuple(room.filled(messages))


def token_bound(content: bytes, media_type: str) -> int:
    """More tokens than an image or a document counts in a prompt."""
    if media_type == "application/pdf":
        pages = page_count(content)
        return max(len(content), _PAGE_TOKENS) if pages is None else max(1, pages) * _PAGE_TOKENS
    width, height = pixels(content) or (0, 0)
    # The API's count is an image's area over 750, or one for every started square of 28 pixels.
    return min(_IMAGE_TOKENS, (width // 25 + 2) * (height // 25 + 2)) if width and height else _IMAGE_TOKENS


def _kept(block: Json, folder: Path) -> Json:
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "base64" or source.get("media_type") not in _SUFFIXES:
        return block
    try:
        content = base64.b64decode(source["data"], validate=True)
    except binascii.Error:
        return block
    media_type, sha256 = source["media_type"], hashlib.sha256(content).hexdigest()
    path = folder / _FOLDER / (sha256 + _SUFFIXES[media_type])
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content)  # before a record refers to it
    kept = {
        "type": KEPT,
        "media_type": media_type,
        "sha256": sha256,
        "size": len(content),
        "tokens": token_bound(content, media_type),
        "pieces": (page_count(content) or 1) if media_type == "application/pdf" else 1,
        "side": max(pixels(content) or (0, 0)),
    }
    return {**block, "source": kept}


def _reference(block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    source = block.get("source")
    return source if isinstance(source, Mapping) and source.get("type") == KEPT else None


@dataclass(slots=True)
class _Room:
    """What still fits into the request: base64 characters, and images and pages."""

    folder: Path
    size: int
    pieces: int

    def filled(self, blocks: Sequence[Any]) -> list[Any]:
        """The blocks (or messages) in their order, filled in from the last to the first."""
        return [self._fill(block) for block in reversed(blocks)][::-1]

    def _fill(self, block: Any) -> Any:
        if not isinstance(block, Mapping):
            return block
        if isinstance(inner := block.get("content"), (list, tuple)):
            return {**block, "content": self.filled(inner)}
        found = _reference(block)
        if found is None:
            return block
        size = (found["size"] + 2) // 3 * 4
        if size > self.size or found["pieces"] > self.pieces:
            return _gone(found, "is left out here, because newer ones fill what a request may carry")
        content = _content(self.folder, found)
        if content is None:
            return _gone(found, "is no longer there")
        self.size -= size
        self.pieces -= found["pieces"]
        data = base64.b64encode(content).decode()
        return {**block, "source": {"type": "base64", "media_type": found["media_type"], "data": data}}


def _gone(found: Mapping[str, Any], why: str) -> Json:
    return {
        "type": "text",
        "text": f"[{found['media_type']}, {found['size']:,} bytes: {why}; read it again if need be]",
    }


def _content(folder: Path, found: Mapping[str, Any]) -> bytes | None:
    """What was kept, or None when it is not there or not what it was."""
    sha256, suffix = str(found["sha256"]), _SUFFIXES.get(found["media_type"])
    if not _SHA256.fullmatch(sha256) or suffix is None:
        return None
    try:
        content = (folder / (sha256 + suffix)).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
