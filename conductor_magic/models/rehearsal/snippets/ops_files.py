HIDDEN = (".github", ".gitlab", ".circleci", ".buildkite", ".azure", ".ci", ".devcontainer")
SCRIPTS = (".sh", ".bash", ".ps1", ".bat", ".cmd")
YAML = (".yml", ".yaml")
MANAGED = re.compile(
    r"(?i)(^|/)(jenkinsfile|(?:gnu)?makefile|justfile|taskfile\.ya?ml|procfile|tox\.ini|noxfile\.py|fabfile\.py)$"
)


def all_files(checkout):
    """The checkout's files, with those in the hidden folders that pipelines live in."""
    found = set(checkout.files)
    for name in HIDDEN:
        for path in sorted((checkout.root / name).rglob("*")):
            if path.is_file():
                found.add(path.relative_to(checkout.root).as_posix())
    return sorted(found)


def is_container(path):
    """Whether a file says how an image is built."""
    name = path.rpartition("/")[2].lower()
    return name in ("dockerfile", "containerfile") or name.startswith("dockerfile.") or name.endswith(".dockerfile")


def lines_of(checkout, path):
    """(line number, line) without comments that take a whole line."""
    for number, line in enumerate(checkout.text(path).splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(("#", "//")):
            yield number, line


def shown(line, limit):
    """A line as it may be told: what stands after the name of a secret is left out."""
    return cut(re.sub(r"(?i)((?:passw(?:or)?d|secret|token|api_?key)\S*?(?:[=:]|\s)\s*)[^\s$]\S*", r"\1…", line), limit)
