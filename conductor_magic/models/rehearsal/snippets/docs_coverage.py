MOST_UNDOCUMENTED = 8
KINDS = (("module", "modules"), ("class", "classes"), ("function", "functions and methods"))


def docs_coverage(checkout):
    """Public modules, classes, functions and methods with and without a docstring."""
    trees = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    offered = set().union(*(_listed(tree) or set() for path, tree in trees.items() if _public(path)))
    found = [item for path, tree in trees.items() for item in _definitions(path, tree, offered)]
    bare = [item for item in found if not item[3]]
    by_file = {}
    for _, path, *_ in bare:
        by_file[path] = by_file.get(path, 0) + 1
    ranked = sorted(by_file.items(), key=lambda item: (-item[1], item[0]))
    order = {kind: at for at, (kind, _) in enumerate(KINDS)}
    bare.sort(key=lambda item: (order[item[0]], item[1], item[4]))
    return {
        "public": len(found),
        "documented": len(found) - len(bare),
        "percent": round(100 * (len(found) - len(bare)) / len(found), 1) if found else None,
        "bare": len(bare),
        "kinds": [
            [many, sum(item[0] == kind for item in found), sum(item[0] == kind for item in bare)]
            for kind, many in KINDS
        ],
        "first": [[kind, name, path, line] for kind, path, name, _, line in bare[:MOST_UNDOCUMENTED]],
        "files": [list(item) for item in ranked[:MOST_UNDOCUMENTED]],
    }


def _public(path):
    parts = path.removesuffix(".py").split("/")
    return not any(part.startswith("_") and not part.startswith("__") for part in parts)


def _definitions(path, tree, offered):
    """(kind, path, name, whether it has a docstring, line) of each public definition.

    What a private module defines is public where a public module has it in its `__all__`.
    """
    listed = _listed(tree) if _public(path) else offered
    if tree.body and _public(path):
        yield "module", path, path, bool(ast.get_docstring(tree)), 1
    yield from _within(path, tree.body, "", lambda name: name in listed if listed is not None else name[0] != "_")


def _within(path, nodes, before, shown):
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if shown(node.name) and not _implied(node):
                yield "function", path, before + node.name, bool(ast.get_docstring(node)), node.lineno
        elif isinstance(node, ast.ClassDef):
            if shown(node.name):
                name = before + node.name
                yield "class", path, name, bool(ast.get_docstring(node)), node.lineno
                yield from _within(path, node.body, f"{name}.", lambda name: name[0] != "_")
        else:
            for part in ("body", "orelse", "finalbody", "handlers"):
                yield from _within(path, getattr(node, part, []), before, shown)


def _implied(node):
    """Whether another definition carries the docstring: an overload, a setter, what says that it overrides."""
    return decorated(node, "overload", "setter", "deleter", "override")


def _listed(tree):
    """The names in a module's `__all__`, where that is a plain list; else None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            parts = getattr(node.value, "elts", None)
            if parts is not None and all(isinstance(part, ast.Constant) for part in parts):
                return {part.value for part in parts}
    return None
