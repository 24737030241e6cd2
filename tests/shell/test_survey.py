"""The survey of a workspace: kept up to date by what changed, equal to looking everywhere anew."""

from __future__ import annotations

import random
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from conductor_magic.sandbox.birth import birth
from conductor_magic.sandbox.survey import Covered, Survey

_NAMES = (
    "a", "b", "c.py", ".env", ".git", ".vscode", ".aws", "hooks", "config", "modules", "HEAD", "x.pem", ".bashrc",
    "commondir", "id_rsa", "..data", "objects", "references", "domains", "g.md", ".cargo",
)  # fmt: skip


def named(covered: Covered, root: Path) -> dict[str, list[str]]:
    """What was found, by kind, as sorted paths below a folder."""
    return {
        each.name: sorted(str(path.relative_to(root)) for path in getattr(covered, each.name))
        for each in fields(covered)
        if getattr(covered, each.name)
    }


def test_each_kind_is_found(tmp_path: Path) -> None:
    """Secrets, protected names, repositories and their submodules, links; nothing else."""
    for folder in (
        ".git/modules/part/deep", ".git/objects", "sub/.aws", "sub/.VSCODE", ".hg", "plain", ".cargo", "domains",
        "sub/References/domains/x",
    ):  # fmt: skip
        (tmp_path / folder).mkdir(parents=True)
    for name in (
        ".git/config", ".git/modules/part/HEAD", ".git/modules/part/config", ".git/objects/config", "sub/.Env",
        "sub/.aws/credentials", "sub/.VSCODE/config", "plain/config", "plain/hooks", "sub/.bashrc", ".env.example",
        "public.pem", ".cargo/config.toml", ".cargo/other.toml", "config.toml", "sub/References/domains/a.MD",
        "sub/References/domains/a.txt", "sub/References/a.md", "sub/References/domains/x/a.md", "domains/a.md",
    ):  # fmt: skip
        (tmp_path / name).write_text("x")
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / ".netrc").symlink_to("/etc/passwd")
    (tmp_path / "sub" / ".git").symlink_to("../.git")
    for link in ("sub/.mise", "sub/references", "domains/domains"):
        (tmp_path / link).symlink_to("../plain")
    assert named(Survey(tmp_path).look(), tmp_path) == {
        "secrets": ["key.pem", "sub/.Env"],
        "secret_folders": ["sub/.aws"],
        "fixed": [
            ".cargo/config.toml", ".git/config", ".git/modules/part/config", ".hg", "sub/.VSCODE", "sub/.bashrc",
            "sub/References/domains/a.MD",
        ],
        "pinned": [".git"],
        "held": [".cargo", "sub/References", "sub/References/domains"],
        "missing": [".git/hooks", ".git/modules/part/hooks"],
        "links": [".netrc", "sub/.git", "sub/.mise", "sub/references"],
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_a_later_look_equals_a_first_one(tmp_path: Path, seed: int) -> None:
    """After any changes at all, also several within one tick of the clock: nothing is missed, nothing stale."""
    chance = random.Random(seed)
    survey = Survey(tmp_path)
    for step in range(120):
        for _ in range(chance.randint(1, 3)):
            _change(tmp_path, chance)
        found, anew = survey.look(fresh=True), Survey(tmp_path).look()
        assert named(found, tmp_path) == named(anew, tmp_path), f"step {step}"


def _change(root: Path, chance: random.Random) -> None:
    """Make, move, replace, link or remove something somewhere."""
    folders = [root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())]
    place = chance.choice(folders) / chance.choice(_NAMES)
    things = [path for path in root.rglob("*") if path.exists() or path.is_symlink()]
    kind = chance.choice(("folder", "folder", "file", "link", "key", "remove", "move", "move"))
    try:
        if kind == "folder":
            place.mkdir()
        elif kind == "file":
            place.write_text("x")
        elif kind == "key":
            place.with_name("x.pem").write_text(
                chance.choice(("-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE"))
            )
        elif kind == "link":
            place.symlink_to(chance.choice(folders))
        elif things and kind == "move":
            chance.choice(things).rename(place)
        elif things:
            gone = chance.choice(things)
            if gone.is_dir() and not gone.is_symlink():
                shutil.rmtree(gone)
            else:
                gone.unlink()
    except OSError:
        return  # a file where a folder would be needed, a folder into itself: no change


def test_no_name_and_no_mark_leaves_a_folder_out(tmp_path: Path) -> None:
    """Packages, caches and what looks like a virtual environment are looked into, at the first look and later."""
    for name in ("node_modules", "__pycache__", ".tox", "venv", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".env").write_text("x")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("home = /usr")
    survey = Survey(tmp_path)
    everywhere = [".tox/.env", "__pycache__/.env", "mine/.env", "node_modules/.env", "venv/.env"]
    assert named(survey.look(), tmp_path) == {"secrets": everywhere}
    (tmp_path / "mine" / "pyvenv.cfg").write_text("home = /usr")
    (tmp_path / "mine").rename(tmp_path / "node_modules" / "mine")
    everywhere[2:4] = ["node_modules/.env", "node_modules/mine/.env"]
    assert named(survey.look(fresh=True), tmp_path) == {"secrets": everywhere}


def test_only_the_environment_that_runs_here_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is public and stays usable; another folder in its place, or itself elsewhere, is looked into."""
    env = tmp_path / "proj" / ".venv"
    (env / "lib").mkdir(parents=True)
    (env / "lib" / "credentials.json").write_text("{}")
    (tmp_path / "proj" / ".env").write_text("x")
    monkeypatch.setattr("conductor_magic.sandbox.survey.python_folders", lambda: (env,))
    survey = Survey(tmp_path)
    assert named(survey.look(), tmp_path) == {"secrets": ["proj/.env"]}
    (tmp_path / "proj").rename(tmp_path / "other")
    env.mkdir(parents=True)
    (env / ".env").write_text("x")
    assert named(survey.look(fresh=True), tmp_path) == {
        "secrets": ["other/.env", "other/.venv/lib/credentials.json", "proj/.venv/.env"]
    }


def test_what_is_denied(tmp_path: Path) -> None:
    """Files and folders that rules forbid, outermost first; nothing in them counts, a link in their place is one."""
    for name in ("priv/.git/config", "priv/.env", "data/x.csv", ".aws/key", "plain"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("plain")
    rules = [tmp_path / name for name in ("priv", "priv/.env", "data/x.csv", ".aws/key", "link", "later")]
    survey = Survey(tmp_path, (), rules)
    expected = {"secret_folders": [".aws"], "links": ["link"], "denied": ["data/x.csv", "priv"]}
    assert named(survey.look(), tmp_path) == expected
    (tmp_path / "later").mkdir()
    expected["denied"].insert(1, "later")
    assert named(survey.look(fresh=True), tmp_path) == expected
    assert Survey(tmp_path, (), [tmp_path.parent]).look() == Covered(denied=[tmp_path])


def test_secrets_are_known_again(tmp_path: Path) -> None:
    """Where that is asked for: under any name, in any folder, and out of a folder of secrets or a hidden one."""
    runtime = tmp_path / "runtime"
    for name in (".env", ".aws/credentials", "runtime/kernel.json", "other"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    forgetful, survey = Survey(tmp_path, [runtime]), Survey(tmp_path, [runtime], remember=True)
    for look in (forgetful.look, survey.look):
        assert named(look(), tmp_path)["secrets"] == [".env"]
    (tmp_path / "sub").mkdir()
    (tmp_path / ".env").rename(tmp_path / "sub" / "one")
    (tmp_path / "two").hardlink_to(tmp_path / "sub" / "one")
    (tmp_path / ".aws").rename(tmp_path / "three")
    (runtime / "kernel.json").rename(tmp_path / "four")
    assert "secrets" not in named(forgetful.look(fresh=True), tmp_path)
    for _ in range(2):
        assert named(survey.look(fresh=True), tmp_path)["secrets"] == ["four", "sub/one", "three/credentials", "two"]


def test_a_new_file_is_not_taken_for_a_secret_that_is_gone(tmp_path: Path) -> None:
    """The system uses an inode again: the time of birth tells the files apart."""
    survey = Survey(tmp_path, remember=True)
    for number in range(50):
        (tmp_path / ".env").write_text("x")
        inode = (tmp_path / ".env").stat().st_ino
        survey.look(fresh=True)
        (tmp_path / ".env").unlink()
        new = tmp_path / f"new{number}"
        new.write_text("y")
        assert birth(str(new)) > 0
        assert named(survey.look(fresh=True), tmp_path) == {}
        if new.stat().st_ino == inode:
            return
    pytest.skip("this file system does not use inodes again so soon")


def test_an_answer_serves_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look right after the first is the same answer; a fresh one is not."""
    monkeypatch.setattr("conductor_magic.sandbox.survey._KEPT", 1e9)
    survey = Survey(tmp_path)
    first = survey.look()
    (tmp_path / ".env").write_text("x")
    assert survey.look() is first
    assert named(survey.look(fresh=True), tmp_path) == {"secrets": [".env"]}
    assert survey.look() == Covered(secrets=[tmp_path / ".env"])
