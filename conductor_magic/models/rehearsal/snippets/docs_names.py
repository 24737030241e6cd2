FILE_ENDINGS = {
    "py",
    "toml",
    "cfg",
    "ini",
    "md",
    "rst",
    "txt",
    "json",
    "yml",
    "yaml",
    "ipynb",
    "log",
    "io",
    "org",
    "com",
}


def docs_names(checkout):
    """Names of the checkout's own Python between backticks, in documents and docstrings, that are not there."""
    own, named, missing, where = OwnNames(checkout), 0, [], set()
    tops = "|".join(sorted(map(re.escape, own.tops))) or "(?!)"
    shape = re.compile(rf"`[~!.]?((?:{tops})(?:\.[A-Za-z_]\w*)+)(?:\(\)?[^`]*)?`")
    for path, line, text in _told(checkout):
        for found in shape.finditer(text):
            if found[1].rpartition(".")[2] in FILE_ENDINGS:
                continue
            named += 1
            where.add(path)
            if lack := own.lacks(found[1]):
                missing.append([path, line + text.count("\n", 0, found.start()), found[1], lack])
    return {
        "tops": sorted(own.tops)[:6],
        "named": named,
        "files": len(where),
        "missing_count": len(missing),
        "table": sorted(missing)[:8],
    }


def _told(checkout):
    """(path, first line, text) of each document and each docstring."""
    for path in checkout.named(".md", ".markdown", ".rst"):
        yield path, 1, checkout.text(path)
    for path, tree in checkout.trees().items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node, clean=False)
                if text:
                    yield path, node.body[0].lineno, text
