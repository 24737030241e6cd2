"""Small real pictures and documents, made by hand."""

from __future__ import annotations

import struct
import zlib

__all__ = ["GIF", "JPEG", "PNG", "WEBP", "pdf", "png", "webp"]


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes((width + 7) // 8) for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp(kind: bytes, data: bytes) -> bytes:
    """The head of a picture."""
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf(pages: int = 1, *, trailer: bytes = b"") -> bytes:
    """A small real PDF, each page of which says its number."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        words = b"BT /F1 24 Tf 72 700 Td (Page %d) Tj ET" % (number + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(words), words))
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


PNG = png(30, 20)
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080014001e01011100ffd9")
GIF = b"GIF89a\x1e\0\x14\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x1e\0\x14\0\0\2\1\0\0;"
WEBP = {
    "VP8X": webp(b"VP8X", b"\0\0\0\0\x1d\0\0\x13\0\0"),
    "VP8 ": webp(b"VP8 ", b"\x30\1\0\x9d\1\x2a\x1e\0\x14\0"),
    "VP8L": webp(b"VP8L", b"\x2f" + struct.pack("<I", 29 | 19 << 14) + b"\0"),
}
