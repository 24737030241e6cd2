import ast
import re

RULES = {
    "error never expected": (
        "should fix",
        "it is raised here, and no test says so: no raises or assertRaises names it",
    ),
    "boundary never tried": ("consider", "it compares with < or >, and its name stands in no test file"),
}
EXPECTING = re.compile(r"^(raises|assertRaises|assertRaisesRegex|RaisesGroup|RaisesExc)$")


def testing_edges(checkout):
    """Errors that no test expects, and functions with boundaries that no test names."""
    trees = checkout.trees()
    tests = {path: tree for path, tree in trees.items() if is_test(path)}
    expected = {name for tree in tests.values() for name in _expected(tree)}
    words = {word for path in tests for word in re.findall(r"\w+", checkout.text(path))}
    found, raised, bounded = [], 0, 0
    for path, tree in trees.items():
        if path in tests:
            continue
        for node in ast.walk(tree):
            name = last_name(node.exc) if isinstance(node, ast.Raise) else ""
            if name[:1].isupper() and name != "NotImplementedError":
                raised += 1
                if name not in expected:
                    found.append(("error never expected", path, node.lineno, ast.unparse(node)))
        for name, node in functions(tree):
            if any(isinstance(part, ast.Compare) and _bounds(part) for part in ast.walk(node)):
                bounded += 1
                if name.rpartition(".")[2] not in words:
                    found.append(("boundary never tried", path, node.lineno, name))
    return {
        "files": len(trees) - len(tests),
        "test_files": len(tests),
        "raised": raised,
        "bounded": bounded,
        "expected": len(expected),
        **ranked(RULES, found),
    }


def _expected(tree):
    """Names of the errors that a test expects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and EXPECTING.match(last_name(node)):
            for part in node.args[:1]:
                errors = part.elts if isinstance(part, ast.Tuple) else [part]
                yield from filter(None, (last_name(error) for error in errors if not isinstance(error, ast.Call)))


def _bounds(node):
    return any(isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for operator in node.ops)
