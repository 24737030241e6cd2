"""Markdown: read as the live board reads it, drawn so that nothing of it acts, loads, or leads astray."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from conductor_magic.report.html.prose import prose
from conductor_magic.report.markdown import markdown

CASES = json.loads((Path(__file__).parent / "markdown.json").read_text("utf-8"))
Json = dict[str, Any]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_it_is_read_as_the_live_board_reads_it(case: Json) -> None:
    """`widgets/test/markdown.test.ts` holds the other reader to the same cases."""
    assert markdown(case["text"]) == case["blocks"]


def test_it_is_drawn_as_html() -> None:
    """Every kind of block and part, in one text."""
    text = (
        "# Big\n### Small\n\nA *b* **c** ~~d~~ `e<f>`\n\n- one\n  1. two\n\n3. three\n\n"
        "> said\n\n```\n<g>\n```\n\n---\n\n|h|\n|-|\n|[i](https://j.example/k)|"
    )
    cell = ' style="padding:2px 10px 2px 0;text-align:left"'
    link = '<a href="https://j.example/k" style="color:inherit" target="_blank" rel="noopener noreferrer">i</a>'
    assert prose(text, 1_000) == (
        '<div style="white-space:pre-line;"><h4>Big</h4><h5>Small</h5>'
        "<p>A <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;f&gt;</code></p>"
        '<ul><li>one<ol><li>two</li></ol></li></ul><ol start="3"><li>three</li></ol>'
        "<blockquote><p>said</p></blockquote>"
        '<pre style="white-space:pre-wrap">&lt;g&gt;</pre><hr>'
        f'<div style="overflow-x:auto"><table><tr><th{cell}>h</th></tr>'
        f"<tr><td{cell}>{link} (j.example)</td></tr></table></div></div>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "<script>x</script>",
        "[a](javascript:x)",
        "![a](https://b.example/c.png)",
        '[a](https://b.example/"onmouseover="x)',
        "[a](https://good.example\\@evil.example/)",
        "[a](https://evil.example%2f@good.example)",
        "```\n</pre><b>\n```",
    ],
)
def test_hostile_markdown_makes_no_element_of_its_own(text: str) -> None:
    """What a text wants to be beyond paragraphs and code, it is not; its quotes stay inside an attribute."""
    drawn = prose(text, 1_000)
    assert set(re.findall(r"<(\w+)", drawn)) <= {"div", "p", "pre", "a"}
    assert set(re.findall(r'href="([^"]*)"', drawn)) <= {"https://b.example/%22onmouseover=%22x"}


def test_what_is_left_out_is_counted() -> None:
    """Nothing ends without a word."""
    assert prose("x" * 1_010, 1_000).endswith("<p>… (10 more)</p></div>")
    assert prose("*x*<b>", 100, plain=True) == '<div style="white-space:pre-wrap;">*x*&lt;b&gt;</div>'


ALSO = ("`", "> ", "- ", "_a ", "![](", "~~ ", "[a](", "1. ")


@pytest.mark.parametrize(
    "piece", ["*", "**a ", "[", "|-", *(pytest.param(piece, marks=pytest.mark.slow) for piece in ALSO)]
)
def test_a_text_of_nothing_but_beginnings_takes_no_time(piece: str) -> None:
    """As long as the longest answer that a page shows."""
    began = time.process_time()
    markdown(piece * (20_000 // len(piece)))
    markdown(f"{piece}\n" * (20_000 // (len(piece) + 1)))
    assert time.process_time() - began < 10
