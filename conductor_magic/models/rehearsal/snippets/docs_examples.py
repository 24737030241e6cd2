def docs_examples(checkout):
    """Python shown in documents and docstrings: what is no Python, and what imports own names that are not there."""
    own, shown, tried, broken, stale, places = OwnNames(checkout), 0, 0, [], [], {}
    for path, line, text, tested in blocks(checkout):
        shown += 1
        places[path] = places.get(path, 0) + 1
        try:
            parts = sources(text) if tested else [(0, text)]
        except ValueError as error:
            broken.append([path, line, cut(error, 80)])
            continue
        for offset, source in parts:
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(source)
            except (SyntaxError, ValueError) as error:
                at = line + offset + (getattr(error, "lineno", None) or 1) - 1
                broken.append([path, at, cut(getattr(error, "msg", error), 80)])
                continue
            for node, dotted in _imports(tree):
                if dotted.partition(".")[0] in own.tops and (missing := own.lacks(dotted)):
                    stale.append([path, line + offset + node.lineno - 1, missing])
    ranked = sorted(places.items(), key=lambda item: (-item[1], item[0]))
    return {
        "shown": shown,
        "tried": tried,
        "documents": sum(not path.endswith(".py") for path in places),
        "modules": sum(path.endswith(".py") for path in places),
        "broken_count": len(broken),
        "stale_count": len(stale),
        "broken": sorted(broken)[:6],
        "stale": sorted(stale)[:6],
        "table": [list(item) for item in ranked[:8]],
    }


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names if alias.name != "*")
