"""What of the machine is shown inside walls of any kind: programs and libraries, and how they are set up."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["SETTINGS", "SYSTEM", "lies_in", "python_folders"]

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""The operating system's own folders."""

SETTINGS = (
    "alternatives", "ca-certificates", "fonts", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "passwd", "pki/tls/certs", "protocols", "services",
    "shells", "ssl/certs", "ssl/openssl.cnf", "timezone", "java-17-openjdk", "R", "ImageMagick-6", "ImageMagick-7",
    "magic", "papersize", "terminfo", "os-release", "debian_version", "redhat-release",
)  # fmt: skip
"""What of /etc is needed to run programs; the rest (shadow, ssh, machine credentials) stays outside."""

_PACKAGE = Path(__file__).resolve().parent.parent
"""This package itself, which a checkout has outside of the environment: what is imported late must stay as it is."""


def lies_in(path: str | Path, folders: Iterable[str | Path]) -> bool:
    """Whether a path is one of some folders or lies below one, by its text (asked often, so not by `pathlib`)."""
    text = f"{path}/"
    return any(text.startswith(f"{folder}/") for folder in folders)


@cache
def python_folders() -> tuple[Path, ...]:
    """The folders of this Python environment: prefix, the Python below it, the user's own packages, this package."""
    folders = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    folders += [os.path.dirname(os.path.realpath(sys.executable))]
    folders += [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    folders.append(str(_PACKAGE))
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    existing = [Path(folder) for folder in dict.fromkeys(folders) if os.path.isdir(folder)]
    home = Path.home()
    shown = [folder for folder in existing if not home.is_relative_to(folder)]
    return tuple(
        folder for folder in shown if not any(folder.is_relative_to(other) for other in shown if other != folder)
    )
