"""A bad line between page and kernel: what a person did is sent again until it has arrived, and takes effect once."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NEXT, OpenNotebook, Play, begin
from tests.support.kernels import VERSIONS

pytestmark = pytest.mark.browser

LOSSY = r"""
const text = (data) => (typeof data === "string" ? data : new TextDecoder().decode(data));
const sent = (window.sent = {});
const answered = new Set();
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (event) => {
      const id = /"kind": ?"ack", ?"id": ?"([^"]+)"/.exec(text(event.data))?.[1];
      if (id === undefined || answered.has(id)) return;
      answered.add(id);
      event.stopImmediatePropagation();
    });
  }
  send(data) {
    const [, kind, id] = /"kind":"(\w+)","id":"([^"]+)"/.exec(text(data)) ?? [];
    if (id !== undefined) (sent[`${kind} ${id}`] ??= []).push(id);
    if (sent[`${kind} ${id}`]?.length !== 1) super.send(data);
  }
};
"""
"""Loses the first frame of every command, and the first acknowledgement of it."""


@pytest.mark.slow
def test_a_command_that_is_lost_takes_effect_once(open_notebook: OpenNotebook, play: Play) -> None:
    """The frame is lost, then the kernel's word for it; sent a third time it is the same command, not another."""
    notebook, board = begin(partial(open_notebook, script=LOSSY), play, VERSIONS[-1])
    notebook.press(board.get_by_role("button", name="Redis"))
    row = board.get_by_role("row")
    expect(row.filter(has_text="Task slow")).to_contain_text("Running", timeout=20_000)
    notebook.press(row.filter(has_text="Task after"))
    board.locator(".inspector [data-act=tier]").select_option("opus")
    # The list is given back when the kernel has answered.
    expect(board.locator(".inspector [data-act=tier]")).to_be_enabled(timeout=20_000)
    expect(row.filter(has_text="Task after")).to_contain_text("OPUS")
    # Had the kernel taken it for another command, it would have refused it in words.
    expect(board.get_by_role("alert")).to_have_count(0)
    notebook.press(board.locator("[data-act=cancel]"))
    notebook.press(board.locator("[data-act=cancel-sure]"))
    notebook.wait(NEXT)
    assert notebook.text(NEXT).strip() == (
        "next cancelled {'Which store?': 'Redis'} person "
        "['question.answered', 'task.edited', 'run.cancel_requested', 'worker.stopping'] recorded"
    )
    sent = notebook.page.evaluate("window.sent")
    times = {name.partition(" ")[0]: len(ids) for name, ids in sent.items()}
    assert {kind: times[kind] >= 3 for kind in ("answer", "tier")} == {"answer": True, "tier": True}
    assert notebook.page_errors == []
