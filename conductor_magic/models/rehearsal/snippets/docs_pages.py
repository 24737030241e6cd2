import tomllib

PARTS = {
    "how to install it": (r"install|set ?up|getting it", ""),
    "how to use it": (r"us(?:e|age|ing)\b|quick ?start|getting started|example|tutorial|how to|basics|start here", ""),
    "how to contribute": (r"contribut|hacking|develop(?:ing|ment)?\b(?! team)", "contributing"),
    "what changed": (r"change|history|release|what'?s new|news", "changelog|changes|history|news"),
    "the licence": (r"licen[cs]e|copying", "licen[cs]e|copying"),
}
DOCUMENTS = (".md", ".markdown", ".rst", ".txt", ".adoc")
MOST_BROKEN = 8


def docs_pages(checkout):
    """The README and what it covers, links to what is not there, and versions that do not agree."""
    pages = checkout.named(*DOCUMENTS)
    readme, changes = _file(checkout, "readme"), _file(checkout, "changelog|changes|history|news")
    heads = list(headings(checkout.text(readme), readme))
    covered = [[part, _covers(checkout, heads, *rule)] for part, rule in PARTS.items()]
    judged = [
        [path, line, target, trouble]
        for path in pages
        for line, target in links(checkout.text(path), path)
        if (trouble := trouble_of(checkout, path, target)) is not None
    ]
    broken = sorted(link for link in judged if link[3])
    version, told_in = _version(checkout)
    named = re.search(rf"(?<![\w.]){re.escape(version)}(?![\w.]*\w)", checkout.text(changes))
    least, stated = _pythons(checkout, readme)
    return {
        "pages": len(pages),
        "lines": sum(len(checkout.text(path).splitlines()) for path in pages),
        "readme": readme,
        "headings": len(heads),
        "covered": [[part, where] for part, where in covered if where],
        "uncovered": [part for part, where in covered if not where],
        "links": len(judged),
        "broken_count": len(broken),
        "broken": broken[:MOST_BROKEN],
        "version": version,
        "told_in": told_in,
        "changes": changes,
        "version_in_changes": bool(named) if version and changes else None,
        "least_python": least,
        "stated_python": stated,
    }


def _file(checkout, names):
    """The file of the root with one of these names, or one with such a beginning; empty when there is none."""
    return next((path for path in checkout.files if re.fullmatch(rf"(?i)(?:{names})([.-]\w+)*", path)), "")


def _covers(checkout, heads, heading, file):
    """Where a part of the documentation is: a file of its own, a heading of the README, or nowhere."""
    head = next((head for head in heads if re.search(heading, head, re.IGNORECASE)), "")
    return (file and _file(checkout, file)) or cut(head, 60)


def _project(checkout):
    try:
        return tomllib.loads(checkout.text("pyproject.toml")).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}


def _version(checkout):
    """(the version that the project says it has, the file that says so)."""
    declared = _project(checkout).get("version")
    if declared:
        return str(declared), "pyproject.toml"
    shape = re.compile(r"^(?:__version__|VERSION|version)\s*(?::\s*\w+\s*)?=\s*[\"'](\d[\w.+-]*)[\"']", re.MULTILINE)
    near = [path for path in checkout.named(".py") if path.count("/") <= 2 and not is_test(path)]
    for path in sorted(near, key=lambda path: (path.count("/"), path)):
        if found := shape.search(checkout.text(path)):
            return found[1], path
    return "", ""


def _pythons(checkout, readme):
    """(the least Python that the project asks for, the least that its README names)."""
    asked = re.search(r">=\s*(\d+\.\d+)", str(_project(checkout).get("requires-python", "")))
    named = re.findall(r"\bPython (?:>=? ?)?(3)\.(\d+)", checkout.text(readme))
    least = min(((int(major), int(minor)) for major, minor in named), default=())
    return asked[1] if asked else "", ".".join(map(str, least))
