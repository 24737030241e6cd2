import ast
import re

RULES = {
    "defined twice": ("must fix", "the earlier test of that name never runs"),
    "asserts nothing": ("consider", "it fails only when something raises: no assert, no call that is named like one"),
    "skipped": ("consider", "skipped or expected to fail: a promise that nobody checks"),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CHECKS = re.compile(r"assert|raises|warns|expect|verif|check|fail|should|must", re.IGNORECASE)
SKIPS = ("skip", "skipif", "xfail", "skipIf", "skipUnless", "expectedFailure")


def testing_inventory(checkout):
    """The tests of the Python files: how many, where, in which style, and which of them cannot fail."""
    found, sizes, styles, cases, fixtures = [], {}, {"pytest": 0, "unittest": 0}, 0, 0
    own = lines = test_lines = 0
    for path, tree in checkout.trees().items():
        if not is_test(path):
            own, lines = own + 1, lines + len(checkout.lines(path))
            continue
        test_lines += len(checkout.lines(path))
        for name in styles:
            styles[name] += any(name in _imported(node) for node in ast.walk(tree))
        asserting = _asserting(tree)
        fixtures += sum(decorated(node, "fixture") for _, node in functions(tree))
        for block in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
            names = set()
            for node in block.body:
                if isinstance(node, FUNCTIONS) and node.name.startswith("test"):
                    sizes[path] = sizes.get(path, 0) + 1
                    cases += decorated(node, "parametrize")
                    skipped = decorated(node, *SKIPS) or (block is not tree and decorated(block, *SKIPS))
                    broken = (node.name in names, not _checks(node, asserting), skipped)
                    found += [
                        (rule, path, node.lineno, node.name) for rule, is_so in zip(RULES, broken, strict=True) if is_so
                    ]
                    names.add(node.name)
    ranking = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return {
        "files": own,
        "lines": lines,
        "test_lines": test_lines,
        "tests": sum(sizes.values()),
        "test_files": len(sizes),
        "parametrized": cases,
        "fixtures": fixtures,
        "styles": [[name, count] for name, count in styles.items() if count],
        "table": [[path, count] for path, count in ranking[:8]],
        **ranked(RULES, found),
    }


def _imported(node):
    """The outermost names that an import statement loads."""
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return [alias.name.partition(".")[0] for alias in node.names] if isinstance(node, ast.Import) else []


def _asserting(tree):
    """The names of the file's functions that check something themselves, or call one that does."""
    known, names = None, set()
    while known != names:
        known = set(names)
        names |= {node.name for _, node in functions(tree) if _checks(node, known)}
    return names


def _checks(function, asserting):
    """Whether it asserts, or calls something that does, or whose name says so."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = last_name(node)
            if name in asserting or CHECKS.search(name):
                return True
    return False
