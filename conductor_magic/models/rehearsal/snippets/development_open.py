import ast

RULES = {
    "not implemented": ("consider", "it raises NotImplementedError and is not marked abstract"),
    "deprecated": ("consider", "it warns that it will go or change: nothing new should rest on it"),
    "open marker": OPEN_MARKER,
}
GOING = {"DeprecationWarning", "PendingDeprecationWarning", "FutureWarning"}


def development_open(checkout):
    """Work that the Python files say is not done, or is to go, tests aside."""
    trees = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    found = [("open marker", *place) for place in open_markers(checkout)]
    for path, tree in trees.items():
        abstract = {
            part
            for _, function in functions(tree)
            if decorated(function, "abstractmethod", "abstractproperty")
            for part in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node not in abstract and last_name(node.exc) == "NotImplementedError":
                found.append(("not implemented", path, node.lineno, ast.unparse(node)))
            if isinstance(node, ast.Call) and last_name(node) == "warn":
                given = [*node.args, *(word.value for word in node.keywords)]
                if any(last_name(value) in GOING for value in given):
                    found.append(("deprecated", path, node.lineno, ast.unparse(node)))
    return {"files": len(trees), **ranked(RULES, found)}
