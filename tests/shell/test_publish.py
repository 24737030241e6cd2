"""What a worker's Python shows and publishes, through real kernels inside real walls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_magic.notebook import load_artifact
from conductor_magic.tools.base import NewArtifact, ToolResult
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
    """Frames, series, arrays, figures, text, numbers and their lists and dicts come back equal, under their names."""
    (result,) = python(
        bench,
        "import pandas as pd, numpy as np, matplotlib.pyplot as plt\n"
        "publish('frame', pd.DataFrame({'a': [1, 2], 'mixed': [1, 'x']}, index=['p', 'q']))\n"
        "publish('series', pd.Series([1.5, None], name='s'))\n"
        "publish('array', np.eye(2))\n"
        "publish('dict', {'mean': np.float64(1.5), 'none': float('nan'), 3: (1, 2),"
        "'when': pd.Timestamp('2024-01-01')})\n"
        "publish('text', 'ünï')\n"
        "publish('number', np.int64(7))\n"
        "fig, ax = plt.subplots(); ax.plot([1, 2]); publish('a chart', ax)",
    )
    assert not result.is_error, result.content
    found = {artifact.name: value(artifact) for artifact in result.artifacts}
    assert list(found) == ["frame", "series", "array", "dict", "text", "number", "a chart"]
    assert found["frame"]["a"].tolist() == [1, 2]
    assert found["frame"]["mixed"].tolist() == ["1", "x"]
    assert found["series"]["s"].isna().tolist() == [False, True]
    assert found["array"].tolist() == [[1, 0], [0, 1]]
    assert found["dict"] == {"mean": 1.5, "none": None, "3": [1, 2], "when": "2024-01-01 00:00:00"}
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


def test_frames_that_no_file_holds_as_they_are(bench: ToolBench) -> None:
    """Repeated labels, mixed objects and groups made by `cut` come back with the same values, some of them as text."""
    (result,) = python(
        bench,
        "import pandas as pd\n"
        "publish('repeated', pd.DataFrame([[1, 2]], columns=['a', 'a']))\n"
        "publish('mixed', pd.DataFrame({'a': [1, 'x', None]}))\n"
        "v = pd.Series([1, 2, 3], name='v')\n"
        "publish('cut', v.to_frame().groupby(pd.cut(v, [0, 2, 4]).rename('bin'), observed=True).mean())\n"
        "publish('column', pd.DataFrame({'bin': pd.cut(v, [0, 2, 4])}))\n"
        "publish('months', pd.DataFrame([[1, 2]], columns=pd.period_range('2020-01', periods=2, freq='M')))\n"
        "publish('crossed', pd.crosstab(v, [pd.cut(v, [0, 2, 4]), v]))",
    )
    assert not result.is_error, result.content
    found = {artifact.name: value(artifact) for artifact in result.artifacts}
    assert (list(found["repeated"].columns), found["repeated"].to_numpy().tolist()) == (["a", "a_"], [[1, 2]])
    assert found["mixed"].shape == (3, 1)
    assert found["mixed"]["a"].isna().tolist() == [False, False, True]
    assert (found["cut"].index.name, found["cut"]["v"].to_dict()) == ("bin", {"(0, 2]": 1.5, "(2, 4]": 3})
    assert list(found["months"].columns) == ["2020-01", "2020-02"]
    assert found["crossed"].columns.tolist() == [("(0, 2]", 1), ("(0, 2]", 2), ("(2, 4]", 3)]
    assert found["column"]["bin"].tolist() == ["(0, 2]", "(0, 2]", "(2, 4]"]


def test_names_are_kept_and_figures_come_once(bench: ToolBench) -> None:
    """A thing published as `table` is called so; a figure that is shown by name and left open is one chart."""
    published, shown = python(
        bench,
        "publish('table', 1)",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([1, 2])\ndisplay(fig)",
    )
    assert [artifact.name for artifact in published.artifacts] == ["table"]
    assert [artifact.name for artifact in shown.artifacts] == ["chart-1"]
