import sys
import tomllib

MOST_MODULES = 8


def research_structure(checkout):
    """Ways in, the graph of imports between the checkout's own modules, circles in it, and packages from outside."""
    names, own = named_modules(checkout)
    tops = {name.partition(".")[0] for name in names} | set(sys.stdlib_module_names)
    graph, importers, outside = {path: set() for path in own}, {path: set() for path in own}, {}
    for path, tree in checkout.trees().items():
        package = own[path] if path.endswith("__init__.py") else own[path].rpartition(".")[0]
        for target in _imported(tree.body, package):
            inside, top = _resolved(target, names), target.partition(".")[0]
            if inside and inside != path:
                graph[path].add(inside)
                importers[inside].add(path)
            elif not inside and top not in tops:
                outside.setdefault(top, set()).add(path)
    imported = sorted(graph, key=lambda path: (-len(importers[path]), path))
    found = cycles((path, after) for path, ends in graph.items() for after in ends)
    circles = sorted((sorted(circle) for circle in found), key=lambda circle: (-len(circle), circle))
    packages = sorted(outside.items(), key=lambda item: (-len(item[1]), item[0]))
    return {
        "modules": len(graph),
        "imports": sum(map(len, graph.values())),
        "table": [
            [path, len(importers[path]), len(graph[path])] for path in imported[:MOST_MODULES] if importers[path]
        ],
        "alone": sum(not importers[path] and not graph[path] for path in graph),
        "circle_count": len(circles),
        "circles": [[len(circle), circle[:4]] for circle in circles[:3]],
        "outside_count": len(packages),
        "outside": [[name, len(paths)] for name, paths in packages[:8]],
        "scripts": _scripts(checkout),
        "entries": _entries(checkout)[:6],
        "entry_count": len(_entries(checkout)),
    }


def _imported(nodes, package):
    """What a module imports when it is loaded; what only a type checker reads and what functions import is left out."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if node.level else []
            base = [*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)
        elif isinstance(node, ast.If) and getattr(node.test, "attr", getattr(node.test, "id", "")) == "TYPE_CHECKING":
            yield from _imported(node.orelse, package)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _imported(ast.iter_child_nodes(node), package)


def _resolved(target, names):
    """The file of the longest part of a dotted name that is a module of the checkout."""
    while target and target not in names:
        target = target.rpartition(".")[0]
    return names.get(target)


def _scripts(checkout):
    try:
        project = tomllib.loads(checkout.text("pyproject.toml")).get("project", {})
    except tomllib.TOMLDecodeError:
        return []
    return [list(item) for item in sorted(project.get("scripts", {}).items())[:6]]


def _entries(checkout):
    """The files that can be run: `__main__.py`, and those that ask whether they are the main program."""
    asks = re.compile(r"^if\s+__name__\s*==\s*['\"]__main__['\"]", re.MULTILINE)
    return [
        path
        for path in checkout.trees()
        if path.rpartition("/")[2] == "__main__.py" or asks.search(checkout.text(path))
    ]
