import tomllib

LOCKS = (
    "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pipfile.lock", "conda-lock.yml", "package-lock.json",
    "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "cargo.lock", "go.sum", "gemfile.lock",
    "composer.lock", ".terraform.lock.hcl",
)  # fmt: skip
LISTS = re.compile(r"(?:^|/)(?:\w+-)?(?:requirements[\w.-]*\.(?:txt|in)|requirements/[^/]+\.txt)$")
KINDS = ("exact", "range", "least only", "any version", "from an address")
MOST_LOOSE = 8


def ops_pins(checkout):
    """What the checkout depends on, by how firmly each version is named, and the files that lock versions."""
    files, found = all_files(checkout), []
    for path in files:
        name = path.rpartition("/")[2].lower()
        if re.fullmatch(r"(?:dev-|test-)?requirements[\w.-]*\.(?:txt|in)", name) or re.search(
            r"(^|/)requirements/[^/]+\.txt$", path
        ):
            found += [(path, number, *_python(text)) for number, text in _listed(checkout, path)]
        elif name == "pyproject.toml":
            found += [(path, 0, *_python(text)) for text in _declared(checkout.text(path))]
        elif name == "package.json":
            found += [(path, 0, *entry) for entry in _packaged(checkout.text(path))]
    places = {}
    for path, _, _, kind in found:
        places.setdefault(path, dict.fromkeys(KINDS, 0))[kind] += 1
    loose = sorted(item for item in found if item[3] in ("any version", "from an address"))
    return {
        "dependencies": len(found),
        "kinds": [[kind, sum(item[3] == kind for item in found)] for kind in KINDS],
        "table": [[path, *counts.values()] for path, counts in sorted(places.items())][:8],
        "loose_count": len(loose),
        "loose": [list(item) for item in loose[:MOST_LOOSE]],
        "locks": [path for path in files if path.rpartition("/")[2].lower() in LOCKS][:6],
    }


def _listed(checkout, path):
    """The requirements of a file, without options, other files and comments."""
    for number, line in enumerate(checkout.text(path).splitlines(), 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text and not text.startswith("-"):
            yield number, text


def _python(text):
    """(name, how firmly the version is named) of a requirement as PEP 508 writes it."""
    name = re.match(r"[\w.-]*", text)[0]
    if "://" in text:
        return name, "exact" if re.search(r"@[0-9a-f]{40}\b|#sha256=", text) else "from an address"
    version = re.sub(r"\[[^\]]*\]", "", text[len(name) :]).partition(";")[0]
    if re.search(r"===?\s*[\w.!+]+(?!.*\*)", version):
        return name, "exact"
    if re.search(r"<|~=|==", version):
        return name, "range"
    return name, "least only" if ">" in version else "any version"


def _declared(text):
    """Every requirement that a pyproject.toml states, of itself but for its own extras, and of its build."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    project = told.get("project", {})
    lists = [
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *told.get("dependency-groups", {}).values(),
        told.get("build-system", {}).get("requires", []),
    ]
    own = re.compile(rf"{re.escape(project.get('name', '-'))}\[", re.IGNORECASE)
    return [entry for entries in lists for entry in entries if isinstance(entry, str) and not own.match(entry)]


def _packaged(text):
    """(name, how firmly the version is named) of each dependency in a package.json."""
    try:
        told = json.loads(text)
    except ValueError:
        return
    for part in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, version in sorted((told.get(part) or {}).items()):
            if re.search(r"[:/]", str(version)) and not str(version).startswith(("npm:", "workspace:", "file:")):
                yield name, "exact" if re.search(r"#[0-9a-f]{40}$", version) else "from an address"
            elif re.fullmatch(r"v?\d+\.\d+\.\d+[\w.+-]*", str(version)):
                yield name, "exact"
            else:
                loose = str(version).strip() in ("", "*", "latest", "x", "next")
                yield (
                    name,
                    "any version" if loose else "least only" if re.fullmatch(r">=?[\w. ]+", version) else "range",
                )
