"""The quickstart notebook, run as a newcomer without a key runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas
import pytest
from nbclient import NotebookClient

import conductor_magic
from conductor_magic.result import ConductResult

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ConductResult, nbformat.NotebookNode]]:
    """The result that the notebook's run left in the record, and the executed notebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE"):
            patch.delenv(name, raising=False)
        notebook = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
        yield conductor_magic.load("last"), notebook


def test_it_is_committed_without_outputs() -> None:
    """What a reader sees is what they will run."""
    notebook = nbformat.read(NOTEBOOKS / "quickstart.ipynb", as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_many_workers_complete_it_side_by_side(played: tuple[ConductResult, nbformat.NotebookNode]) -> None:
    """Completed, at least eight tasks, at least six of them running at one instant."""
    result, _ = played
    assert (result.status, result.provider) == ("completed", "rehearsal"), result.reason
    assert len(result.tasks) >= 8
    together = [
        sum(
            other.start <= interval.start and (other.end is None or other.end > interval.start)
            for other in result.timeline
        )
        for interval in result.timeline
    ]
    assert max(together) >= 6


def test_it_leaves_two_charts(played: tuple[ConductResult, nbformat.NotebookNode]) -> None:
    """At least two artifacts are PNG pictures."""
    result, _ = played
    pictures = [Path(made.path).read_bytes() for made in result.artifacts.values() if made.mime == "image/png"]
    assert len(pictures) >= 2
    assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") for picture in pictures)


def test_its_group_means_equal_pandas_to_the_last_digit(played: tuple[ConductResult, nbformat.NotebookNode]) -> None:
    """The published frame is bit for bit what pandas computes here."""
    result, _ = played
    penguins = pandas.read_csv(NOTEBOOKS / "data" / "penguins.csv")
    own = penguins.groupby("species").mean(numeric_only=True).reset_index()
    means = result.artifacts["group_means"].value
    pandas.testing.assert_frame_equal(means, own[list(means.columns)], check_exact=True)


def test_it_says_that_a_stand_in_played(played: tuple[ConductResult, nbformat.NotebookNode]) -> None:
    """The board, the result and the answer all say so; nothing was spent."""
    result, notebook = played
    assert "rule-based stand-in" in result.answer
    assert "stand-in" in repr(result)
    cell = next(cell for cell in notebook.cells if cell.source.startswith("%%conduct"))
    pages = [output["data"].get("text/html", "") for output in cell.outputs if "data" in output]
    assert any("stand-in" in page for page in pages)
    assert result.usage.total.usd == 0.0
    assert result.usage.total.list_usd > 0
    assert result.usage.total.estimated
