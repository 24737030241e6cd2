"""`model_stub`: a script in the provider's place, for code that is built on Conductor."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_magic import conduct, resume
from conductor_magic.models.seam import standing_in
from conductor_magic.testing import Request, ScriptedModel, model_stub, tool_reply
from tests.shell.conftest import Play
from tests.support.floor import Floor, create, launch

_TASK = (create("a"), launch("a"))


def answer(request: Request) -> object:
    """One task; its worker reports at once, and the conductor's last word counts what it was told."""
    if not any(tool["name"] == "TaskCreate" for tool in request.tools):
        return "Done.\nSTATUS: done"
    turn = sum(message["role"] == "assistant" for message in request.messages)
    return tool_reply(*_TASK) if turn == 0 else "Under way." if turn == 1 else "The script's answer."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, a key that must not be used, and a workspace."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key that would cost money")
    (tmp_path / "ws").mkdir()
    monkeypatch.chdir(tmp_path / "ws")


def test_a_script_answers_instead_of_the_provider() -> None:
    """Conductor and worker are asked of the script, whatever key is there; the record says that no model took part."""
    model = ScriptedModel(answer)
    with model_stub(model):
        result = conduct("Do it.", quiet=True).wait(60)
    assert (result.status, result.answer, result.provider) == ("completed", "The script's answer.", "rehearsal")
    assert len(model.requests) == result.usage.total.requests == 4
    assert result.usage.total.usd == 0.0 < result.usage.total.list_usd
    started = next(result.events).event
    assert started.model_dump()["provider_note"] == "A rehearsal: a script plays the models, no money is spent."


def test_a_run_that_goes_on_is_answered_too() -> None:
    """A cap ends the run before its worker; resumed under the script, it completes."""
    with model_stub(ScriptedModel(answer)):
        first = conduct("Do it.", quiet=True, cap=["run.turns=2"]).wait(60)
        assert first.status in {"failed", "partial"}
        again = resume(first.id, quiet=True, cap=["run.turns=20"]).wait(60)
    assert (again.status, again.answer) == ("completed", "The script's answer.")


def test_after_it_the_provider_answers_again(play: Play) -> None:
    """The stand-in ends with the `with`, also when that ends badly; of two the inner one counts."""
    outer, inner = ScriptedModel(answer), ScriptedModel(answer)
    with model_stub(outer):
        with pytest.raises(ZeroDivisionError), model_stub(inner):
            assert standing_in() is inner
            raise ZeroDivisionError
        assert standing_in() is outer
    assert standing_in() is None
    result = play(Floor([]))
    assert (result.provider, result.answer) == ("anthropic", "All done.")
    assert outer.requests == inner.requests == []
