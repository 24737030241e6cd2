import ast
import re

RULES = {
    "no docstring": ("consider", "a public module, class or function that says nothing of what it promises"),
    "name against PEP 8": ("consider", "a class that is not CapWords, or a module's function that is not lower case"),
    "print in a library": ("consider", "a library speaks through return values, errors and logs"),
    "line over 120": ("consider", "a line that no window shows whole"),
    "open marker": OPEN_MARKER,
}


def review_standards(checkout):
    """What the Python files, tests aside, keep of common conventions: docstrings, annotations, names, length, marks."""
    found, files = [], [path for path in checkout.trees() if not is_test(path)]
    public = documented = total = annotated = 0
    for path in files:
        for name, node in _public(path, checkout.trees()[path]):
            public += 1
            if ast.get_docstring(node, clean=False):
                documented += 1
            else:
                found.append(("no docstring", path, getattr(node, "lineno", 1), name))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                total += 1
                annotated += node.returns is not None
        for node in checkout.trees()[path].body:
            if isinstance(node, ast.ClassDef):
                fits = re.match(r"_*[A-Z][A-Za-z0-9]*$", node.name)
            else:
                fits = not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name == node.name.lower()
            if not fits:
                found.append(("name against PEP 8", path, node.lineno, node.name))
        for node in ast.walk(checkout.trees()[path]):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                found.append(("print in a library", path, node.lineno, ast.unparse(node)))
    found += [("line over 120", *place) for place in checkout.found(r"^.{121}", ".py") if not is_test(place[0])]
    found += [("open marker", *place) for place in open_markers(checkout)]
    return {
        "files": len(files),
        "public": public,
        "documented": documented,
        "documented_percent": round(100 * documented / public, 1) if public else None,
        "functions": total,
        "annotated": annotated,
        "annotated_percent": round(100 * annotated / total, 1) if total else None,
        **ranked(RULES, found),
    }


def _public(path, tree):
    """The module, its public classes and functions, and the classes' public methods; nothing of a private module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if re.search(r"(^|/)_(?!_init__\.py)", path):
        return
    yield path, tree
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]:
        for node in owner.body:
            if isinstance(node, kinds) and node.name[0] != "_" and not decorated(node, "overload", "override"):
                yield node.name if owner is tree else f"{owner.name}.{node.name}", node
