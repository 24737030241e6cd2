def named_modules(checkout):
    """Dotted name -> path, and path -> dotted name: from the outermost package, and from the root as well."""
    folders = {path.rpartition("/")[0] for path in checkout.trees() if path.rpartition("/")[2] == "__init__.py"}
    names, own = {}, {}
    for path in checkout.trees():
        parts = path.removesuffix(".py").split("/")
        start = len(parts) - 1
        while start and "/".join(parts[:start]) in folders:
            start -= 1
        above = [checkout.root.name] if "" in folders else []
        for dotted in (parts[start:] if start else [*above, *parts], [*above, *parts]):
            name = ".".join(dotted[:-1] if dotted[-1] == "__init__" else dotted)
            names.setdefault(name, path)
            own.setdefault(path, name)
    return names, own


class OwnNames:
    """Which dotted names there are in a checkout's own Python, as far as its text can tell."""

    def __init__(self, checkout):
        self.trees = checkout.trees()
        self.modules, paths = named_modules(checkout)
        tests = {path for path in paths if is_test(path)}
        self.tops = {paths[path].partition(".")[0] for path in paths if path not in tests}
        self._bound = {}

    def lacks(self, dotted):
        """What is not there of a name that begins with an own module's; empty when all is, or when none can tell."""
        parts = dotted.split(".")
        known = next((end for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in self.modules), 0)
        if not known or known == len(parts):
            return ""
        path, rest = self.modules[".".join(parts[:known])], parts[known:]
        bound, closed = self.bound(path)
        if rest[0] not in bound:
            return ".".join(parts[: known + 1]) if closed and not rest[0].startswith("__") else ""
        found = bound[rest[0]]
        # What a base class, a decorator or a metaclass brings cannot be seen here.
        plain = isinstance(found, ast.ClassDef) and not (found.bases or found.keywords or found.decorator_list)
        if len(rest) < 2 or not plain or rest[1] in _members(found) or rest[1].startswith("__"):
            return ""
        return ".".join(parts[: known + 2])

    def bound(self, path):
        """(the names that a module binds on loading, whether these are all that it can have)."""
        if path not in self._bound:
            names = {}
            for node in _statements(self.trees[path].body):
                names.update(_binds(node))
            self._bound[path] = names, not {"*", "__getattr__"} & names.keys()
        return self._bound[path]


def _statements(nodes):
    """Statements that run on loading, those within others too."""
    for node in nodes:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _statements(getattr(node, part, []))


def _binds(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name: node}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        whole = isinstance(node, ast.ImportFrom)
        return {alias.asname or (alias.name if whole else alias.name.partition(".")[0]): node for alias in node.names}
    if isinstance(node, (ast.excepthandler, ast.match_case)):
        return {}
    targets = [child for child in ast.iter_child_nodes(node) if not isinstance(child, (ast.stmt, ast.excepthandler))]
    return {
        name.id: name
        for target in targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def _members(node):
    """What a class's body binds, and what its methods set on their first argument."""
    names = {name for part in _statements(node.body) for name in _binds(part)}
    attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return names | attributes
