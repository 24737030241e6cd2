"""The data analysis notebook, run as an analyst without a key runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas
import pytest
from nbclient import NotebookClient

import conductor_magic
from conductor_magic.result import ConductResult
from conductor_magic.settings import run_folders

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
Played = tuple[list[ConductResult], nbformat.NotebookNode]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The results of the notebook's two runs, and the executed notebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONDUCTOR_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE"):
            patch.delenv(name, raising=False)
        notebook = nbformat.read(NOTEBOOKS / "data_analysis.ipynb", as_version=4)
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
        yield [conductor_magic.load(str(folder)) for folder in run_folders()], notebook


def _weather() -> pandas.DataFrame:
    path = NOTEBOOKS / "data" / "seattle_weather.csv"
    return pandas.read_csv(path, parse_dates=["date"], dtype={"weather": "category"})


def test_it_is_committed_without_outputs() -> None:
    """What a reader sees is what they will run."""
    notebook = nbformat.read(NOTEBOOKS / "data_analysis.ipynb", as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_both_runs_complete_and_the_answer_is_typed(played: Played) -> None:
    """The survey's value fits the notebook's model, and counts the table's own rows."""
    survey, seasons = played[0]
    assert (survey.status, seasons.status) == ("completed", "completed"), (survey.reason, seasons.reason)
    assert survey.value["rows"] == len(_weather()) == 1461
    assert len(survey.value["findings"]) >= 5
    assert "these 1461 days" in survey.goal


def test_frames_come_back_as_pandas_computes_them(played: Played) -> None:
    """The means by kind of weather, and by month, are to the last digit what pandas gives here."""
    survey, seasons = played[0]
    weather = _weather()
    own = weather.groupby("weather", observed=True).mean(numeric_only=True).reset_index()
    means = survey.artifacts["group_means"].value
    assert list(means["weather"].astype(str)) == list(own["weather"].astype(str))
    pandas.testing.assert_frame_equal(
        means.drop(columns="weather"), own[list(means.columns)].drop(columns="weather"), check_exact=True
    )
    months = weather.assign(
        month=weather["date"].dt.month_name().str[:3], span=weather["temp_max"] - weather["temp_min"]
    )
    expected = months.groupby("month")["span"].mean()
    found = seasons.artifacts["group_means"].value.set_index("month")["span"]
    pandas.testing.assert_series_equal(found, expected, check_exact=True, check_index_type=False)


def test_a_prompt_holds_a_description_and_not_the_data(played: Played) -> None:
    """Five rows and the table's looks are in the prompt; the sixth row is not."""
    prompt = played[0][0].tasks["1"].prompt
    assert "1,461 rows × 6 columns" in prompt and "2012-01-05" in prompt
    assert "2012-01-06" not in prompt


def test_the_last_figure_is_drawn_from_the_second_run(played: Played) -> None:
    """The notebook ends with a chart of its own, and no cell failed."""
    notebook = played[1]
    cell = next(cell for cell in notebook.cells if cell.id == "plot")
    assert any("image/png" in output.get("data", {}) for output in cell.outputs)
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ()))
