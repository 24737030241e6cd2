"""What a worker's Python shows and publishes, through real kernels inside real walls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pytest

from conductor_magic.artifact_values import load_artifact
from conductor_magic.tools.base import NewArtifact, ToolResult
from tests.support.odd_frames import same
from tests.support.tool_bench import ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """A worker in mode workspace."""
    return ToolBench(tmp_path)


def python(bench: ToolBench, *codes: str) -> list[ToolResult]:
    """Run pieces of code one after another in one task."""
    return bench.calls(*(("Python", {"code": code}) for code in codes))


def value(artifact: NewArtifact) -> Any:
    """What an artifact holds."""
    return load_artifact(artifact.path, artifact.mime)


def test_figures_and_frames_become_artifacts(bench: ToolBench) -> None:
    """Inline figures, figures of the Agg backend, and shown frames come back once each, numbered in the task."""
    inline, agg, frames = python(
        bench,
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure(); plt.plot([2, 1]);",
        "plt.switch_backend('agg')\nplt.bar(['a'], [1]);",
        "import pandas as pd\ndisplay(pd.DataFrame({'a': [1]}))\npd.DataFrame({'b': [1, 2]})",
    )
    assert [artifact.name for artifact in (*inline.artifacts, *agg.artifacts)] == ["chart-1", "chart-2", "chart-3"]
    assert {artifact.mime for artifact in inline.artifacts} == {"image/png"}
    assert Path(inline.artifacts[0].path).read_bytes().startswith(b"\x89PNG")
    width, height = inline.artifacts[0].shape or (0, 0)
    assert f"[artifact chart-1 image/png {width}x{height}]" in inline.content
    assert [artifact.shape for artifact in frames.artifacts] == [(1, 1), (2, 1)]


def test_publish_hands_back_in_safe_formats(bench: ToolBench) -> None:
    """Frames, series, arrays, figures, text, numbers, their lists and dicts come back under their names."""
    (result,) = python(
        bench,
        "import pandas as pd, numpy as np, matplotlib.pyplot as plt\n"
        "publish('frame', pd.DataFrame({'a': [1, 2], 'mixed': [1, 'x']}, index=['p', 'q']))\n"
        "publish('series', pd.Series([1.5, None], name='s'))\n"
        "publish('array', np.eye(2))\n"
        "publish('dict', {'mean': np.float64(1.5), 'rows': [1, 'x', None], 'deep': {'a': True}})\n"
        "publish('text', 'ünï')\n"
        "publish('number', np.int64(7))\n"
        "fig, ax = plt.subplots(); ax.plot([1, 2]); publish('a chart', ax)",
    )
    assert not result.is_error, result.content
    found = {artifact.name: value(artifact) for artifact in result.artifacts}
    assert list(found) == ["frame", "series", "array", "dict", "text", "number", "a chart"]
    pandas.testing.assert_frame_equal(
        found["frame"], pandas.DataFrame({"a": [1, 2], "mixed": [1, "x"]}, index=["p", "q"])
    )
    pandas.testing.assert_series_equal(found["series"], pandas.Series([1.5, None], name="s"))
    assert found["array"].tolist() == [[1, 0], [0, 1]]
    assert found["dict"] == {"mean": 1.5, "rows": [1, "x", None], "deep": {"a": True}}
    assert "note" not in result.content
    assert (found["text"], found["number"]) == ("ünï", 7)
    assert found["a chart"].data.startswith(b"\x89PNG")


def test_publish_refuses_what_has_no_safe_format(bench: ToolBench) -> None:
    """Objects that would need a pickle, or have no end, are an error for the model that says why."""
    objects, names, endless, huge = python(
        bench,
        "publish('x', object())",
        "publish('', 1)",
        "x = []; x.append(x); publish('x', x)",
        "publish('x', 10**5000)",
    )
    assert objects.is_error
    assert "cannot publish a object" in objects.content
    assert names.is_error
    assert "cannot publish this list: it is nested too deeply, or holds itself" in endless.content
    assert "cannot publish this int" in huge.content


def test_what_does_not_come_back_equal_is_said(bench: ToolBench) -> None:
    """JSON has no tuples, no dates and no keys but text; the model is told what became of them, and of odd objects."""
    told, odd, lazy = python(
        bench,
        "import pandas as pd, numpy as np\n"
        "publish('dict', {'none': float('nan'), 3: (1, 2), 'when': pd.Timestamp('2024-01-01'), 'many': np.arange(2)})",
        "publish('odd', pd.DataFrame({'a': [object(), 1]}).map(lambda x: x))",
        "import polars as pl; publish('lazy', pl.LazyFrame({'a': [1]}))",
    )
    assert value(told.artifacts[0]) == {"none": None, "3": [1, 2], "when": "2024-01-01 00:00:00", "many": [0, 1]}
    assert told.content.endswith(
        "[note on dict: as JSON has no others, a numpy.ndarray becomes a list, a pandas.Timestamp becomes text, "
        "a tuple becomes a list, keys become text, nan becomes null]"
    )
    assert odd.content.endswith("[note on odd: column 'a' holds a object, which comes back as text]")
    assert lazy.content.endswith("[note on lazy: the LazyFrame comes back as the DataFrame that it collects to]")
    assert value(lazy.artifacts[0]).to_dicts() == [{"a": 1}]


def test_what_pandas_makes_of_data_comes_back_equal(bench: ToolBench) -> None:
    """Repeated labels, groups of `cut`, months as labels, cross tables: computed again here, they are the same."""
    code = (
        "import pandas as pd\nv = pd.Series([1, 2, 3], name='v')\n"
        "made = {'repeated': pd.DataFrame([[1, 2]], columns=['a', 'a']),\n"
        "'cut': v.to_frame().groupby(pd.cut(v, [0, 2, 4]).rename('bin'), observed=True).mean(),\n"
        "'months': pd.DataFrame([[1, 2]], columns=pd.period_range('2020-01', periods=2, freq='M')),\n"
        "'crossed': pd.crosstab(v, [pd.cut(v, [0, 2, 4]), v]), 'described': v.describe(),\n"
        "'resampled': pd.DataFrame({'v': range(4)}, index=pd.date_range('2020', periods=4, freq='12h'))"
        ".resample('D').agg(['sum', 'mean'])}\n"
    )
    (result,) = python(bench, f"{code}for name, one in made.items(): publish(name, one)")
    assert not result.is_error, result.content
    here: dict[str, Any] = {}
    exec(code, here)
    assert [artifact.name for artifact in result.artifacts] == list(here["made"])
    for artifact in result.artifacts:
        same(value(artifact), here["made"][artifact.name])


def test_what_is_too_large_is_refused_and_shown_all_the_same(bench: ToolBench) -> None:
    """A large frame can be looked at; publishing it says how much may be handed back."""
    shown, published = python(
        bench,
        "import numpy as np, pandas as pd\nlarge = pd.DataFrame({'a': np.zeros(20_000_000)})\nlarge",
        "publish('large', large)",
    )
    assert not shown.is_error
    assert "20000000 rows" in shown.content
    assert "[this table is shown and not handed back: it takes 160,000,000 bytes" in shown.content
    assert published.is_error
    assert published.content.endswith("give a part or a summary of it")


def test_without_pyarrow_frames_are_json_or_refused(bench: ToolBench) -> None:
    """A frame of pandas comes by way of JSON, and a note says so; one of polars needs pyarrow."""
    without = "import sys; sys.modules['pyarrow'] = None\nimport pandas as pd, polars as pl\n"
    pandas_frame, polars_frame = python(
        bench, f"{without}publish('p', pd.DataFrame({{'a': [1, 2]}}))", "publish('q', pl.DataFrame({'a': [1]}))"
    )
    assert value(pandas_frame.artifacts[0])["a"].tolist() == [1, 2]
    assert "[note on p: without pyarrow a frame comes back by way of JSON: types of columns may differ]" in (
        pandas_frame.content
    )
    assert polars_frame.is_error
    assert "a polars.DataFrame is handed back as an Arrow file: pyarrow is not installed" in polars_frame.content


def test_names_are_kept_and_figures_come_once(bench: ToolBench) -> None:
    """A thing published as `table` is called so; a figure that is shown by name and left open is one chart."""
    published, shown = python(
        bench,
        "publish('table', 1)",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([1, 2])\ndisplay(fig)",
    )
    assert [artifact.name for artifact in published.artifacts] == ["table"]
    assert [artifact.name for artifact in shown.artifacts] == ["chart-1"]
