"""Read on real images, PDFs and notebooks: what the model is given of them."""

from __future__ import annotations

import base64
import io
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from conductor_magic.tools.base import ToolResult
from tests.support.media import GIF, PNG, pdf, png
from tests.support.tool_bench import ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker whose model takes images and documents."""
    bench = ToolBench(tmp_path)
    bench.context.takes = frozenset({"image", "document"})
    return bench


def data(block: dict[str, Any]) -> bytes:
    """The bytes of an image or a document."""
    return base64.b64decode(block["source"]["data"])


def texts(result: ToolResult) -> list[str]:
    """The text blocks of a result."""
    assert not isinstance(result.content, str)
    return [block["text"] for block in result.content if block["type"] == "text"]


def encoded(image: Image.Image, kind: str) -> bytes:
    """An image as a file."""
    made = io.BytesIO()
    image.save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "kind"),
    [
        (PNG, "image/png", "a PNG image"),
        (encoded(Image.new("RGB", (30, 20)), "JPEG"), "image/jpeg", "a JPEG image"),
        (encoded(Image.new("P", (30, 20)), "GIF"), "image/gif", "a GIF image"),
        (encoded(Image.new("RGB", (30, 20)), "WEBP"), "image/webp", "a WebP image"),
    ],
)
def test_an_image_is_shown(bench: ToolBench, content: bytes, media_type: str, kind: str) -> None:
    """A line about it, and its own bytes as the API takes them; its first bytes tell what it is, not its name."""
    (bench.workspace / "picture.txt").write_bytes(content)
    result = bench.call("Read", file_path="picture.txt")
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(content).decode()}
    assert result.content == [
        {"type": "text", "text": f"picture.txt: {kind}, 30 × 20 pixels, {len(content)} bytes."},
        {"type": "image", "source": source},
    ]
    assert not result.is_error


def test_an_svg_is_text(bench: ToolBench) -> None:
    """So is whatever only has the name of a picture."""
    (bench.workspace / "drawing.svg").write_text("<svg/>\n")
    (bench.workspace / "not.png").write_text("hello\n")
    drawing, words = bench.calls(("Read", {"file_path": "drawing.svg"}), ("Read", {"file_path": "not.png"}))
    assert (drawing.content, words.content) == ("     1\t<svg/>", "     1\thello")


def test_a_large_image_is_made_smaller(bench: ToolBench) -> None:
    """More pixels or bytes than the API takes: a smaller copy is shown, and the line says so."""
    (bench.workspace / "wide.png").write_bytes(png(9000, 300))
    noise = encoded(Image.effect_noise((1900, 1900), 90).convert("RGB"), "BMP")
    Image.open(io.BytesIO(noise)).save(bench.workspace / "noisy.png", compress_level=0)
    wide, noisy = bench.calls(("Read", {"file_path": "wide.png"}), ("Read", {"file_path": "noisy.png"}))
    size = (bench.workspace / "wide.png").stat().st_size
    assert texts(wide) == [f"wide.png: a PNG image, 9000 × 300 pixels, {size:,} bytes; shown at 2000 × 67."]
    assert Image.open(io.BytesIO(data(wide.content[1]))).size == (2000, 67)
    assert wide.content[1]["source"]["media_type"] == "image/png"
    shown = Image.open(io.BytesIO(data(noisy.content[1])))
    assert (shown.format, shown.size) == ("JPEG", (1900, 1900))
    assert len(noisy.content[1]["source"]["data"]) <= 5 * 1024 * 1024


def test_without_pillow(bench: ToolBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the API takes is shown as it is; what it does not take is an error that says what to do."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    (bench.workspace / "large.png").write_bytes(png(2500, 10))
    (bench.workspace / "wide.png").write_bytes(png(9000, 300))
    large, wide = bench.calls(("Read", {"file_path": "large.png"}), ("Read", {"file_path": "wide.png"}))
    assert data(large.content[1]) == png(2500, 10)
    assert wide.content == (
        f"wide.png: a PNG image, 9000 × 300 pixels, {len(png(9000, 300)):,} bytes: at most 8,000 pixels a side and "
        "3,932,160 bytes can be shown. Make a smaller copy with Bash or Python, and read that."
    )


@pytest.mark.parametrize("content", [PNG[:-5], PNG[:40] + b"x" + PNG[41:], GIF[:-1], PNG[:20]])
def test_a_broken_image_is_not_sent(bench: ToolBench, content: bytes) -> None:
    """The API would refuse the request, and every later one of this worker."""
    (bench.workspace / "broken.png").write_bytes(content)
    assert "broken or cut off" in str(bench.call("Read", file_path="broken.png").content)


def test_a_pdf_is_given_whole(bench: ToolBench) -> None:
    """A short one goes as it is, under a title that says which pages these are."""
    (bench.workspace / "three.pdf").write_bytes(pdf(3))
    said, document = bench.call("Read", file_path="three.pdf").content
    assert said["text"] == f"three.pdf: PDF, 3 pages, {len(pdf(3)):,} bytes; pages 1-3."
    assert data(document) == pdf(3)
    assert {**document, "source": {**document["source"], "data": ""}} == {
        "type": "document",
        "title": "three.pdf, pages 1-3 of 3",
        "source": {"type": "base64", "media_type": "application/pdf", "data": ""},
    }


@pytest.mark.parametrize(
    ("pages", "first", "last", "said"),
    [
        (None, 1, 20, 'pages 1-20. Go on with pages="21-40".'),
        ("21-40", 21, 40, 'pages 21-40. Go on with pages="41-45".'),
        ("41-", 41, 45, "pages 41-45."),
        (" 7 ", 7, 7, 'page 7. Go on with pages="8-27".'),
        ("44 - 60", 44, 45, "pages 44-45."),
    ],
)
def test_pages_of_a_long_pdf(bench: ToolBench, pages: str | None, first: int, last: int, said: str) -> None:
    """At most twenty at once, a document of exactly these pages, and where to go on."""
    (bench.workspace / "long.pdf").write_bytes(pdf(45))
    result = bench.call("Read", file_path="long.pdf", **({"pages": pages} if pages else {}))
    assert texts(result)[0].endswith(f"; {said}")
    found = PdfReader(io.BytesIO(data(result.content[1]))).pages
    assert [page.extract_text() for page in found] == [f"Page {number}" for number in range(first, last + 1)]


def test_a_pdf_as_text(bench: ToolBench) -> None:
    """A model that takes no documents, or does not say so, gets the pages' text, and is told that it is only that."""
    bench.context.takes = frozenset({"image"})
    (bench.workspace / "long.pdf").write_bytes(pdf(22))
    (content,) = texts(bench.call("Read", file_path="long.pdf", pages="20-21"))
    assert content == (
        f"long.pdf: PDF, 22 pages, {len(pdf(22)):,} bytes; the text of pages 20-21 (no layout and no pictures). "
        'Go on with pages="22-22".\n\n--- page 20 ---\nPage 20\n\n--- page 21 ---\nPage 21'
    )


def test_locked_pdfs(bench: ToolBench) -> None:
    """One that only its owner may change is read, without its lock; one with a password is not."""
    for name, words in (("owner.pdf", ""), ("locked.pdf", "secret")):
        writer = PdfWriter(clone_from=io.BytesIO(pdf(2)))
        writer.encrypt(words, owner_password="owner", algorithm="RC4-128")
        writer.write(bench.workspace / name)
    owner, locked = bench.calls(("Read", {"file_path": "owner.pdf"}), ("Read", {"file_path": "locked.pdf"}))
    read = PdfReader(io.BytesIO(data(owner.content[1])))
    assert (read.is_encrypted, len(read.pages)) == (False, 2)
    assert locked.content == "locked.pdf: is a PDF that is locked with a password, so it cannot be read."


def test_a_crooked_pdf_costs_only_itself(bench: ToolBench) -> None:
    """A page that unpacks to more than memory is unreadable; the others are read."""
    bench.context.takes = frozenset()
    bomb = zlib.compress(b"(x) Tj " * (60 << 20), 1)
    writer = PdfWriter(clone_from=io.BytesIO(pdf(2)))
    made = io.BytesIO()
    writer.write(made)
    words = b"BT /F1 24 Tf 72 700 Td (Page 1) Tj ET"
    packed = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(bomb), bomb)
    crooked = pdf(2).replace(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(words), words), packed)
    (bench.workspace / "bomb.pdf").write_bytes(crooked)
    (content,) = texts(bench.call("Read", file_path="bomb.pdf"))
    assert content.partition("\n\n")[2] == "--- page 1 ---\n[unreadable]\n\n--- page 2 ---\nPage 2"


CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "id": "title", "source": ["# A\n", "title"]},
    {
        "cell_type": "code",
        "id": "work",
        "execution_count": 5,
        "source": "plot()",
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": ["one\n", "\x1b[31mtwo\x1b[0m\n"]},
            {
                "output_type": "display_data",
                "data": {"image/png": base64.b64encode(PNG).decode(), "text/plain": "<Figure>"},
            },
            {"output_type": "execute_result", "data": {"text/plain": ["   a\n", "0  1"], "text/html": "<table>"}},
            {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["\x1b[0;31mE\x1b[0m", "E: no"]},
        ],
    },
    {"cell_type": "code", "source": "", "outputs": [{"output_type": "display_data", "data": {"video/mp4": "x"}}]},
]
NOTEBOOK = json.dumps({"nbformat": 4, "metadata": {"kernelspec": {"name": "python3"}}, "cells": CELLS})


def test_a_notebook_cell_by_cell(bench: ToolBench) -> None:
    """Sources and outputs in their order, images where they belong, nothing of the terminal's colours."""
    (bench.workspace / "a.ipynb").write_text(NOTEBOOK)
    before, image, after = bench.call("Read", file_path="a.ipynb").content
    assert before["text"] == (
        "a.ipynb: notebook (python3), 3 cells; cells 1-3 follow.\n\n"
        "=== cell 1: markdown, id title ===\n# A\ntitle\n\n"
        "=== cell 2: code, id work, run 5 ===\nplot()\n"
        "--- output 1: stdout ---\none\ntwo\n"
        "--- output 2: image/png ---"
    )
    assert data(image) == PNG
    assert after["text"] == (
        "--- output 3: text/plain ---\n   a\n0  1\n"
        "--- output 4: error ---\nE\nE: no\n\n"
        "=== cell 3: code ===\n\n"
        "--- output 1: video/mp4, not shown ---"
    )


def test_some_cells_of_a_notebook(bench: ToolBench) -> None:
    """`offset` and `limit` count cells; what is left is named by its offset."""
    (bench.workspace / "a.ipynb").write_text(NOTEBOOK)
    bench.context.takes = frozenset()
    (content,) = texts(bench.call("Read", file_path="a.ipynb", offset=2, limit=1))
    assert content.startswith("a.ipynb: notebook (python3), 3 cells; cells 2-2 follow; go on with offset=3.\n")
    assert "--- output 2: image/png, not shown: this model takes no images ---" in content
    assert "cell 3" not in content


def test_a_large_notebook_is_capped(bench: ToolBench) -> None:
    """Long outputs and many images are cut with a reference to the rest; many cells come in parts that join."""
    image = {"output_type": "display_data", "data": {"image/png": base64.b64encode(PNG).decode()}}
    flood = {"output_type": "stream", "name": "stdout", "text": "x" * 100_000}
    cells = [{"cell_type": "code", "source": "f()", "outputs": [image] * 10 + [flood]}]
    cells += [{"cell_type": "markdown", "source": f"{number}:" + "y" * 900} for number in range(100)]
    (bench.workspace / "a.ipynb").write_text(json.dumps({"cells": cells}))
    first = bench.call("Read", file_path="a.ipynb")
    said = "\n".join(texts(first))
    assert sum(block["type"] == "image" for block in first.content) == 8
    assert "--- output 9: image/png, not shown: 8 images are shown already; ask for fewer cells ---" in said
    assert "json.load(open('a.ipynb'))['cells'][0]['outputs'][10]]" in said
    assert len(said) < 65_000
    following = int(said.partition("go on with offset=")[2].partition(".")[0])
    (second,) = texts(bench.call("Read", file_path="a.ipynb", offset=following))
    numbers = [line.partition(":")[0] for line in (said + second).split("\n") if ":yyy" in line]
    assert numbers == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "it is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"worksheets": []}', "it has no list of cells, as format 4 has"),
        ('{"cells": [1]}', "one of its cells is no cell"),
    ],
)
def test_a_broken_notebook_is_text(bench: ToolBench, content: str, why: str) -> None:
    """What cannot be shown by cells is shown by lines, with the reason."""
    (bench.workspace / "a.ipynb").write_text(content)
    said = bench.call("Read", file_path="a.ipynb").content
    assert said == f"[shown as text, since it cannot be shown as a notebook: {why}]\n     1\t{content}"


def test_what_was_read_is_remembered(bench: ToolBench) -> None:
    """A notebook that has changed since it was read is not written over."""
    path = bench.workspace / "a.ipynb"
    path.write_text(NOTEBOOK)
    bench.call("Read", file_path="a.ipynb")
    path.write_text("{}")
    assert bench.call("Write", file_path="a.ipynb", content="new").is_error
    assert path.read_text() == "{}"
