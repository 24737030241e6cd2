import ast

RULES = {
    "branches over 15": ("should fix", "too many ways through a function to test them all"),
    "nested over 5 deep": ("should fix", "the condition that holds inside is hard to know"),
    "over 100 lines": ("consider", "a function that does several things"),
    "over 8 parameters": ("consider", "callers mix them up; some belong together"),
}
LIMITS = (15, 5, 100, 8)  # of branches, depth, lines and parameters, in the order of the rules
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def review_complexity(checkout):
    """How long, branched, nested and wide the functions of the Python files are, tests aside."""
    files = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    measured = [
        (path, node.lineno, name, (_branches(node), _depth(node.body), node.end_lineno - node.lineno + 1, _width(node)))
        for path, tree in files.items()
        for name, node in functions(tree)
        if not decorated(node, "overload")
    ]
    found = []
    for at, (rule, limit) in enumerate(zip(RULES, LIMITS, strict=True)):
        over = sorted((item for item in measured if item[3][at] > limit), key=lambda item: (-item[3][at], *item[:2]))
        found += [(rule, path, line, f"{name}: {figures[at]}") for path, line, name, figures in over]
    most = sorted(measured, key=lambda item: (-item[3][0], *item[:2]))[:8]
    return {
        "files": len(files),
        "functions": len(measured),
        "lines": sum(len(checkout.lines(path)) for path in files),
        "table": [[f"{path}:{line}", name, *figures] for path, line, name, figures in most],
        **ranked(RULES, found, by_place=False),
    }


def _own(node):
    """A function's nodes without those of functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            yield child
            yield from _own(child)


def _branches(function):
    """Cyclomatic complexity: one, and one for each decision."""
    total = 1
    # Decorators and defaults are evaluated outside.
    for node in _own(ast.Module(function.body, [])):
        if isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
        else:
            decides = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
            total += isinstance(node, decides)
    return total


def _depth(block):
    """How deep statements nest; an `elif` is no deeper than its `if`."""
    deepest = 0
    for node in block:
        if isinstance(node, NESTING):
            inner = [*getattr(node, "body", []), *getattr(node, "finalbody", [])]
            inner += [part for handler in getattr(node, "handlers", []) for part in handler.body]
            inner += [part for case in getattr(node, "cases", []) for part in case.body]
            other = getattr(node, "orelse", [])
            chained = isinstance(node, ast.If) and len(other) == 1 and isinstance(other[0], ast.If)
            deepest = max(deepest, 1 + _depth(inner), _depth(other) + (not chained and bool(other)))
    return deepest


def _width(function):
    """How many parameters it takes, `self` and `cls` aside."""
    arguments = function.args
    names = [one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    return len(names) - (bool(names) and names[0] in ("self", "cls"))
