import ast

RULES = {
    "import cycle": ("should fix", "modules that load one another, so none can be understood or loaded alone"),
    "star import": ("should fix", "nobody can tell where a name comes from; package files are left out"),
    "module over 1000 lines": ("consider", "a file that has more than one job"),
    "private name of another package": ("consider", "what begins with an underscore may change without notice"),
}


def review_layers(checkout):
    """Which modules load which: cycles, stars, private names across packages, and the modules that most rest on."""
    trees = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    edges = [edge for edge in imports(checkout) if edge[0] in trees and edge[1] in trees]
    pairs = {(path, target) for path, target, _, _ in edges}
    used_by = {path: sum(target == path for _, target in pairs) for path in trees}
    found = []
    for cycle in cycles({(path, target) for path, target, _, at_load in edges if at_load}):
        path, line = min((path, line) for path, target, line, at_load in edges if at_load and {path, target} <= cycle)
        found.append(("import cycle", path, line, f"{len(cycle)} modules: {', '.join(sorted(cycle))}"))
    for path, tree in trees.items():
        size = len(checkout.lines(path))
        if size > 1_000:
            found.append(("module over 1000 lines", path, 1, f"{size} lines"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
                if "*" in names and not path.endswith("__init__.py"):
                    found.append(("star import", path, node.lineno, ast.unparse(node)))
                inside = node.level or (node.module or "").partition(".")[0] in path.split("/")
                if not inside and any(name.startswith("_") and not name.startswith("__") for name in names):
                    found.append(("private name of another package", path, node.lineno, ast.unparse(node)))
    central = sorted(used_by.items(), key=lambda item: (-item[1], item[0]))
    return {
        "files": len(trees),
        "imports": len(pairs),
        "table": [[path, users] for path, users in central[:8] if users],
        **ranked(RULES, found),
    }
