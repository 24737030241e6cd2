import ast

KINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
RULES = {"__all__ names nothing": ("must fix", "a star import of the module fails: it defines no such name")}


def development_interfaces(checkout):
    """What modules offer one another: public names, who imports them, and names promised but not there."""
    trees = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    users = {}
    for path, target, _, _ in imports(checkout):
        if path in trees:
            users.setdefault(target, set()).add(path)
    rows, found = [], []
    for path, tree in trees.items():
        public = sum(isinstance(node, KINDS) and not node.name.startswith("_") for node in tree.body)
        rows.append([path, len(users.get(path, ())), public])
        found += [("__all__ names nothing", path, line, name) for name, line in _missing(tree, path, trees)]
    rows.sort(key=lambda row: (-row[1], -row[2], row[0]))
    return {
        "modules": len(rows),
        "public": sum(row[2] for row in rows),
        "imports": sum(row[1] for row in rows),
        "table": [row for row in rows[:10] if row[1]],
        **ranked(RULES, found),
    }


def _missing(tree, path, trees):
    """(name, line) of what `__all__` lists and the module neither defines nor imports."""
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.name for node in nodes if isinstance(node, KINDS)}
    aliases = [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    bound |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
    if "*" in bound or "__getattr__" in bound:
        return  # what comes in so cannot be known from the file
    folder = path.rpartition("/")[0]
    for node in tree.body:
        names = [ast.unparse(to) for to in getattr(node, "targets", [getattr(node, "target", None)]) if to]
        if names == ["__all__"] and isinstance(node.value, (ast.List, ast.Tuple)):
            for one in node.value.elts:
                name = getattr(one, "value", None)
                beside = {f"{folder}/{name}.py".lstrip("/"), f"{folder}/{name}/__init__.py".lstrip("/")}
                inside = path.endswith("__init__.py") and beside & set(trees)
                if isinstance(name, str) and name not in bound and not name.startswith("__") and not inside:
                    yield name, one.lineno
