"""What `import conductor_magic` and `%load_ext conductor_magic` cost: no heavy library, and little time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import conductor_magic
from tests.support.kernels import REPOSITORY, kernel, started

HEAVY = ("anthropic", "anywidget", "pydantic", "pandas", "ipywidgets", "genai_prices", "yaml")
LOADED = f"[name for name in {HEAVY!r} if name in sys.modules]"


def python(code: str) -> str:
    """What a fresh interpreter prints for the code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    """The package alone loads neither libraries nor IPython."""
    assert python(f"import sys, conductor_magic; print({LOADED}, 'IPython' in sys.modules)") == "[] False"


def test_public_names_arrive_when_used() -> None:
    """Every public name is there, is listed, and its module is loaded only when it is used."""
    code = "import conductor_magic as c, json; print(json.dumps([[n, getattr(c, n).__module__] for n in c.__all__]))"
    homes = dict(json.loads(python(code)))
    assert homes["conduct"] == "conductor_magic.api"
    assert homes["Run"] == "conductor_magic.running"
    assert set(homes) == set(conductor_magic.__all__)
    assert set(conductor_magic.__all__) <= set(dir(conductor_magic))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = conductor_magic.nothing


def test_load_ext_is_light() -> None:
    """In a kernel `%load_ext` takes under 50 ms of CPU and adds no heavy library."""
    # Compiled once before, as an installed package is.
    python("import conductor_magic.magic")
    code = f"""
import sys, time
began = time.process_time()
get_ipython().run_line_magic("load_ext", "conductor_magic")
print(time.process_time() - began, {LOADED})
"""
    with started(kernel()) as session:
        seconds, loaded = session.run(code).split(maxsplit=1)
        assert loaded.strip() == "[]"
        assert float(seconds) < 0.050
        assert "already loaded" in session.run("%load_ext conductor_magic")
