import ast
import re

KINDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def testing_gaps(checkout):
    """Which modules no test imports, and which public names stand in no test file."""
    trees = checkout.trees()
    tests = [path for path in trees if is_test(path)]
    words = {word for path in tests for word in re.findall(r"\w+", checkout.text(path))}
    imported = {target for path, target, _, _ in imports(checkout) if is_test(path)}
    rows, unnamed = [], []
    for path, tree in trees.items():
        public = [] if is_test(path) else list(_public(tree))
        missing = [(name, line) for name, line in public if name.rpartition(".")[2] not in words]
        unnamed += [[path, line, name] for name, line in missing]
        if public:
            rows.append([path, len(public), len(missing), "yes" if path in imported else "no"])
    rows.sort(key=lambda row: (-row[2], row[0]))
    alone = [[path, names] for path, names, _, used in rows if used == "no"]
    return {
        "modules": len(rows),
        "test_files": len(tests),
        "not_imported": len(alone),
        "public": sum(row[1] for row in rows),
        "unnamed": len(unnamed),
        "alone": sorted(alone, key=lambda row: (-row[1], row[0]))[:6],
        "examples": [item for row in rows[:5] for item in unnamed if item[0] == row[0]][:10],
        "table": [row for row in rows[:10] if row[2]],
    }


def _public(tree):
    """(name, line) of the public functions, classes and methods of a module."""
    for node in tree.body:
        if isinstance(node, KINDS) and not node.name.startswith("_"):
            yield node.name, node.lineno
            if isinstance(node, ast.ClassDef):
                own = [part for part in node.body if isinstance(part, KINDS) and not part.name.startswith("_")]
                yield from ((f"{node.name}.{part.name}", part.lineno) for part in own)
