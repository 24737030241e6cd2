import re
import tomllib

MANIFESTS = (
    "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "Makefile", "justfile", "package.json",
    "Cargo.toml", "go.mod", "Dockerfile", "pytest.ini", "ruff.toml", "mypy.ini", ".pre-commit-config.yaml",
    ".gitlab-ci.yml", "CONTRIBUTING.md", "AGENTS.md", "CLAUDE.md",
)  # fmt: skip


def development_checks(checkout):
    """How a checkout says that it is built, checked and tested, from the files at its top."""
    present = [name for name in MANIFESTS if (checkout.root / name).is_file()]
    present += [path for path in checkout.files if re.fullmatch(r"requirements[\w-]*\.txt", path)]
    flows = checkout.root / ".github" / "workflows"
    present += sorted(f".github/workflows/{file.name}" for file in flows.glob("*.y*ml"))
    try:
        project = tomllib.loads(checkout.text("pyproject.toml"))
    except tomllib.TOMLDecodeError:
        project = {}
        checkout.notes.append("pyproject.toml is no valid TOML.")
    about = project.get("project", {})
    targets = re.findall(r"^([\w-]+):(?!=)", checkout.text("Makefile"), re.MULTILINE)
    return {
        "present": present,
        "python": about.get("requires-python"),
        "dependencies": len(about.get("dependencies", [])),
        "tools": sorted(project.get("tool", {})),
        "targets": list(dict.fromkeys(targets))[:15],
        "tests": sum(is_test(path) for path in checkout.named(".py")),
    }
