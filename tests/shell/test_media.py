"""Images and documents of a conversation: what is recorded of them, what is sent, and what they count."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.media import inlined, keep, references, token_bound
from conductor_magic.models.anthropic.prices import estimate_tokens
from conductor_magic.models.base import Request
from conductor_magic.option_checks import check_options
from conductor_magic.run import start
from conductor_magic.transcript import content_text
from tests.shell.conftest import Play
from tests.support.floor import Floor, lay_out
from tests.support.media import JPEG, PNG, pdf, png
from tests.support.messages_server import Answer, MessagesServer, text, tools

Json = dict[str, Any]


def block(content: bytes, media_type: str = "image/png", kind: str = "image", **more: str) -> Json:
    """A content block as a tool makes it."""
    data = base64.b64encode(content).decode()
    return {"type": kind, **more, "source": {"type": "base64", "media_type": media_type, "data": data}}


def document(content: bytes, **more: str) -> Json:
    """The same for a PDF."""
    return block(content, "application/pdf", "document", **more)


def message(*blocks: Json) -> Json:
    """A message that answers a tool call with blocks."""
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": list(blocks)}]}


def shown(messages: tuple[Json, ...]) -> list[Json]:
    """The blocks in the tool results of messages."""
    return [inner for said in messages for result in said["content"] for inner in result["content"]]


def test_what_is_kept_is_sent_again(tmp_path: Path) -> None:
    """Blocks become references to files that are named by their content, and exactly what they were when sent."""
    blocks = [{"type": "text", "text": "look"}, block(PNG), document(pdf(3), title="three"), block(PNG)]
    kept = keep(blocks, tmp_path)
    assert [found["type"] for found in kept] == ["text", "image", "document", "image"]
    assert kept[2] == {
        "type": "document",
        "title": "three",
        "source": {
            "type": "kept",
            "media_type": "application/pdf",
            "sha256": hashlib.sha256(pdf(3)).hexdigest(),
            "size": len(pdf(3)),
            "tokens": 36_000,
            "pieces": 3,
            "side": 0,
        },
    }
    assert sorted(path.suffix for path in (tmp_path / "seen").iterdir()) == [".pdf", ".png"]
    messages = ({"role": "user", "content": "hello"}, message(*kept))
    assert inlined(messages, tmp_path) == (messages[0], message(*blocks))
    assert [found["size"] for found in references(messages)] == [len(PNG), len(pdf(3)), len(PNG)]


def test_what_has_changed_is_not_sent(tmp_path: Path) -> None:
    """Neither other content under the name, nor a name that leads elsewhere, nor a file that is gone."""
    (tmp_path / "secret.png").write_bytes(PNG)
    first, second = keep([block(PNG), block(png(9, 9))], tmp_path)
    for path in (tmp_path / "seen").iterdir():
        path.write_bytes(b"forged")
    third = {**first, "source": {**first["source"], "sha256": "../secret"}}
    (tmp_path / "seen" / f"{second['source']['sha256']}.png").unlink()
    assert [found["text"] for found in shown(inlined((message(first, second, third),), tmp_path))] == [
        f"[image/png, {size} bytes: is no longer there; read it again if need be]"
        for size in (len(PNG), len(png(9, 9)), len(PNG))
    ]


@pytest.mark.parametrize(
    ("blocks", "left"),
    [
        ([block(png(10 + side, 10)) for side in range(104)], 100),
        ([block(png(2001, 10)), *(block(png(10 + side, 10)) for side in range(22))], 20),
        ([document(pdf(60)), document(pdf(41)), block(PNG)], 2),
        ([block(JPEG + bytes([side]) * 3_000_000) for side in range(7)], 5),
    ],
    ids=["images", "large ones", "pages", "bytes"],
)
def test_what_a_request_cannot_carry(tmp_path: Path, blocks: list[Json], left: int) -> None:
    """The newest are sent; of the others stays a line that says so."""
    found = shown(inlined(tuple(message(kept) for kept in keep(blocks, tmp_path)), tmp_path))
    assert found[-left:] == blocks[-left:]
    gone = [inner["text"] for inner in found[:-left]]
    assert len(gone) == len(blocks) - left
    assert all("is left out here, because newer ones fill what a request may carry" in words for words in gone)


@pytest.mark.parametrize(
    ("content", "media_type", "least", "most"),
    [
        (png(1000, 1000), "image/png", 1000 * 1000 / 750, 2_000),
        (png(1, 1), "image/png", 1, 4),
        (png(2000, 2000), "image/png", 4_784, 8_000),
        (png(8000, 8000), "image/png", 4_784, 8_000),
        (png(28, 2800), "image/png", 100, 400),
        (pdf(1), "application/pdf", 4_784 + 4_000, 12_000),
        (pdf(20), "application/pdf", 20 * (4_784 + 4_000), 240_000),
        (b"%PDF-1.4 tells nothing", "application/pdf", 12_000, 12_000),
    ],
)
def test_what_it_counts(content: bytes, media_type: str, least: float, most: int) -> None:
    """Never less than the API's rule says, and not by the bytes."""
    assert least <= token_bound(content, media_type) <= most


def test_the_estimate_of_a_request(tmp_path: Path) -> None:
    """A reference counts as what it refers to, and so does what is in the request itself."""

    def estimate(*blocks: Json) -> int:
        messages = (message(*blocks),)
        return estimate_tokens(Request("claude-haiku-5-5", (), (), messages, 1000))

    blocks = [block(png(1000, 1000)), document(pdf(2) + bytes(1 << 20))]
    empty = estimate()
    bound = token_bound(png(1000, 1000), "image/png") + 24_000
    assert bound < estimate(*blocks) - empty < bound + 400
    assert bound < estimate(*keep(blocks, tmp_path)) - empty < bound + 600


def test_a_picture_in_a_run(play: Play, tmp_path: Path) -> None:
    """The model is sent the picture in each request; the journal, the transcript and the memory hold a line of it."""
    picture = png(640, 480)

    def worker(task: str, turn: int, body: Json) -> Answer:
        if turn == 1:
            (tmp_path / "workspace" / "chart.png").write_bytes(picture)
        return tools(("Read", {"file_path": "chart.png"}), prefix=f"t{turn}") if turn < 3 else text("A chart.")

    floor = Floor([lay_out({"a": ()})], worker)
    result = play(floor, mode="workspace")
    assert result.status == "completed"
    sent = [json.dumps(body).count(base64.b64encode(picture).decode()) for body in floor.worker_requests]
    assert sent == [0, 1, 2]
    line = f"chart.png: a PNG image, 640 × 480 pixels, {len(picture):,} bytes."
    rows = [row["text"] for row in result["1"].transcript if row["kind"] == "result"]
    assert rows == [f"{line}\n[image/png, {len(picture):,} bytes]"] * 2
    journal = (Path(result.path) / "journal.jsonl").read_text()
    assert base64.b64encode(picture[:30]).decode() not in journal
    (kept,) = (Path(result.path) / "artifacts" / "seen").iterdir()
    assert kept.read_bytes() == picture
    assert kept.stem in journal


@pytest.mark.parametrize("supported", [True, False, None])
def test_a_pdf_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supported: bool | None) -> None:
    """The document itself goes to a model whose server says that it takes documents, and the text to every other."""
    (tmp_path / "two.pdf").write_bytes(pdf(2))
    capabilities = {"pdf_input": {"supported": supported}} if supported is not None else None
    made = {"type": "model", "display_name": "m", "created_at": "2026-10-01T00:00:00Z", "lifecycle": "active"}
    listed = [
        {**made, "id": f"claude-{line}-5-5", "line": line, "capabilities": capabilities}
        for line in ("haiku", "sonnet", "opus")
    ]

    def worker(task: str, turn: int, body: Json) -> Answer:
        return tools(("Read", {"file_path": "two.pdf"})) if turn == 1 else text("Read.")

    floor = Floor([lay_out({"a": ()})], worker)
    with MessagesServer(floor, models=listed if supported is not None else None) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = start("Do it.", check_options({"quiet": True, "workspace": str(tmp_path)})).wait(60)
    assert result.status == "completed"
    (answer,) = floor.worker_requests[-1]["messages"][-1]["content"]
    kinds = [block["type"] for block in answer["content"]]
    assert kinds == (["text", "document"] if supported else ["text"])
    assert ("--- page 2 ---\nPage 2" in answer["content"][0]["text"]) is not bool(supported)


def test_a_block_without_text_has_a_name() -> None:
    """In a transcript it is a short line, also when it is of a kind that is not known here."""
    kept: Json = {"type": "document", "title": "a.pdf, page 1 of 1", "source": {"type": "kept", "size": 12_345}}
    said = content_text([{"type": "text", "text": "a"}, kept, block(PNG), {"type": "odd", "source": {"size": "x"}}])
    assert said == "a\n[a.pdf, page 1 of 1, 12,345 bytes]\n[image]\n[odd]"
