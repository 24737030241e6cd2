"""The package as people install it: the wheel built from the sdist, and an editable checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PLAY = """
import sys
from IPython.core.interactiveshell import InteractiveShell
import conductor_magic
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "conductor_magic")
shell.user_ns["rows"] = [{"kind": "a", "n": 1}, {"kind": "b", "n": 5}, {"kind": "a", "n": 3}]
shell.run_cell_magic("conduct", "out --use rows --provider rehearsal -q", "Explore the rows.")
result = shell.user_ns["out"]
print(conductor_magic.__file__)
print(result.status, len(result.tasks) >= 8, result.reason)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist and nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--sdist", "--outdir", folder, REPOSITORY)
    sdist = next(folder.glob("*.tar.gz"))
    # Not tarfile with its filter: that is younger than the oldest Python that we run on.
    shutil.unpack_archive(sdist, folder / "unpacked")
    source = next((folder / "unpacked").iterdir())
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source)
    return next(folder.glob("*.whl"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """The python of a fresh environment that borrows the dependencies of this one, but not this checkout."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield python
    shutil.rmtree(tmp_path / "venv")


def test_guides_and_bundle_are_inside_the_wheel(wheel: Path) -> None:
    """Everything that a run needs travels in the wheel; nothing of tests or the front end's sources does."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "conductor_magic/references/domains/data-analysis.md" in names
    assert "conductor_magic/static/board.js" in names
    assert not [name for name in names if name.startswith(("tests/", "widgets/", "bench/"))]


def test_the_wheel_conducts_in_a_fresh_environment(wheel: Path, fresh: Path, tmp_path: Path) -> None:
    """Installed from the wheel, `%%conduct` plays the rehearsal to the end."""
    _pip(fresh, "--no-deps", wheel)
    _plays(fresh, tmp_path, inside=tmp_path / "venv")


@pytest.mark.slow
def test_an_editable_install_conducts(fresh: Path, tmp_path: Path) -> None:
    """`pip install -e .` finds the guides beside the package."""
    _pip(fresh, "--no-deps", "--editable", REPOSITORY)
    _plays(fresh, tmp_path, inside=REPOSITORY)


@pytest.mark.slow
def test_the_wheel_brings_what_it_needs(wheel: Path, tmp_path: Path) -> None:
    """With nothing but the wheel and its own dependencies, `%%conduct` plays the rehearsal to the end."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    _pip(python, wheel, "pandas")
    _plays(python, tmp_path, inside=tmp_path / "venv")


def _plays(python: Path, tmp_path: Path, inside: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["CONDUCTOR_HOME"] = str(tmp_path / "data")
    played = subprocess.run(
        [python, "-c", PLAY], cwd=workspace, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert played.returncode == 0, played.stderr
    where, said = played.stdout.strip().splitlines()[-2:]
    assert Path(where).is_relative_to(inside)
    assert said.startswith("completed True"), played.stdout


def _pip(python: Path, *what: object) -> None:
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *what)


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
