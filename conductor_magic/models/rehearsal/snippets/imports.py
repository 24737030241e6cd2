import ast
import sys


def imports(checkout):
    """Which of the checkout's modules import which, as (path, path imported, line, whether it happens at load).

    What stands in a function, or under `if TYPE_CHECKING`, does not happen at load. An import is counted once a line.
    """
    names = module_names(checkout)
    homes = {path: name for name, path in names.items()}
    for path, tree in checkout.trees().items():
        seen = set()
        for node, at_load in _statements(tree, at_load=True):
            for name in _imported(node, path, names, homes):
                if names[name] != path and (names[name], node.lineno) not in seen:
                    seen.add((names[name], node.lineno))
                    yield path, names[name], node.lineno, at_load


def module_names(checkout):
    """Every name that a Python file of the checkout may be imported by -> its path."""
    names, paths = {}, checkout.named(".py")
    packages = {path.rpartition("/")[0] for path in paths if path.endswith("__init__.py")}
    for path in paths:
        parts = path.removesuffix(".py").split("/")
        if parts[-1] == "__init__":
            parts.pop()
        top = len(parts)  # the outermost folder of those around it that are packages in one another
        while top > 1 and "/".join(path.split("/")[: top - 1]) in packages:
            top -= 1
        # Of a checkout that is itself a package the name stands in front; else modules may be named from their folder.
        whole = [[checkout.root.name, *parts]] if "" in packages else [parts[top - 1 :], parts[parts[:1] == ["src"] :]]
        for name in (".".join(name) for name in whole):
            if name and name not in sys.stdlib_module_names:
                names.setdefault(name, path)
    return names


def _statements(tree, at_load):
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, at_load
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _statements(child, at_load=False)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.body:
                yield from _statements(ast.Module([part], []), at_load=False)
            yield from _statements(ast.Module(child.orelse, []), at_load)
        elif not isinstance(child, ast.expr):
            yield from _statements(child, at_load)


def _imported(node, path, names, homes):
    """The names of own modules that an import statement loads."""
    if isinstance(node, ast.Import):
        wanted = [[alias.name] for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            # From a package's own file one dot is the package itself; elsewhere it is the folder around the file.
            folder = path.split("/")[: -node.level]
            own = homes.get("/".join([*folder, "__init__.py"]), ".".join(folder))
            base = ".".join(part for part in (own, base) if part)
        wanted = [[f"{base}.{alias.name}", base] for alias in node.names]
    for choices in wanted:
        found = next((name for name in choices if name in names), None)
        if found:
            yield found
