"""Reports that are too long for a prompt, kept where workers read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from conductor_magic.handing_on import keep_reports


def test_a_report_is_kept_as_it_is_and_written_once(tmp_path: Path) -> None:
    """A retry of whoever reads it finds the same file."""
    report = "Zeilen: 3\r\n…\n"
    kept = keep_reports(tmp_path, {"1": report})
    path = Path(kept["1"])
    assert path.read_bytes() == report.encode()
    written = path.stat().st_mtime_ns, path.stat().st_ino
    assert keep_reports(tmp_path, {"1": report, "2": "Rows: 4"}) == {"1": str(path), "2": str(path.with_name("2.md"))}
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(each.name for each in path.parent.iterdir()) == ["1.md", "2.md"]


def test_what_the_disk_does_not_take_is_no_reference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The prompt then says that the rest is not to be had; the run goes on."""
    (tmp_path / "reports").write_text("in the way")
    assert keep_reports(tmp_path, {"1": "Rows: 3"}) == {}
    assert "the report of task 1 could not be kept" in caplog.text
    assert keep_reports(tmp_path, {}) == {}
