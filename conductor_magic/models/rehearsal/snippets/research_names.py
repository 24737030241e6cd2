MOST_NAMES = 10
KINDS = (("class", "classes"), ("function", "functions"), ("constant", "constants"))


def research_names(checkout, words):
    """The Python definitions whose names hold a question's word, and the files that mention these names."""
    shapes = [beginning(word) for word in words]
    found, mentions = [], {}
    for path, tree in checkout.trees().items():
        found += [(name, kind, path, node) for name, kind, node in _definitions(tree) if _held(name, shapes)]
        for name in _mentioned(tree):
            mentions.setdefault(name, set()).add(path)
    ranked = []
    for name, kind, path, node in found:
        users = sorted(mentions.get(name.rpartition(".")[2], set()) - {path})
        ranked.append(((-len(_held(name, shapes)), -len(users), path, node.lineno, name), kind, node, users))
    ranked.sort(key=lambda entry: entry[0])
    by_file = {}
    for _, _, path, _ in found:
        by_file[path] = by_file.get(path, 0) + 1
    most = min(by_file.items(), key=lambda item: (-item[1], item[0]), default=None)
    return {
        "parsed": len(checkout.trees()),
        "definitions": len(found),
        "kinds": [[sum(entry[1] == one for entry in ranked), one, many] for one, many in KINDS],
        "files": len(by_file),
        "unmentioned": sum(not mentions.get(key[4].rpartition(".")[2]) for key, *_ in ranked),
        "most": list(most) if most else None,
        "table": [
            [key[4], kind, f"{key[2]}:{key[3]}", len(users), ", ".join(users[:2]), _said(node)]
            for key, kind, node, users in ranked[:MOST_NAMES]
        ],
    }


def _held(name, shapes):
    return [shape for shape in shapes if shape.search(name.rpartition(".")[2])]


def _definitions(tree):
    """Functions, classes and what modules assign in capitals, with dotted names."""
    for name, node in functions(tree):
        yield name, "function", node
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, "class", node
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and target.id.isupper():
                    yield target.id, "constant", node


def _mentioned(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


def _said(node):
    documented = isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    text = (ast.get_docstring(node) or "") if documented else ""
    return cut(text.partition("\n")[0], 70)
