import io
import tokenize

MOST_MARKS = 10
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def research_open(checkout, words):
    """What the authors of a checkout's Python left open: notes, unfinished code, deprecations, tests left out."""
    notes = [(path, line, said) for path in checkout.trees() for line, said in _notes(checkout.text(path))]
    unfinished, deprecated, skipped = [], [], []
    for path, tree in checkout.trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and last_name(node.exc) == "NotImplementedError":
                unfinished.append((path, node.lineno))
            elif isinstance(node, ast.Call) and last_name(node.func) == "warn" and _deprecates(node):
                deprecated.append((path, node.lineno))
            elif isinstance(node, ast.Attribute) and node.attr in SKIPS and last_name(node.value) in {"mark", "pytest"}:
                skipped.append((path, node.lineno))
    shapes = [beginning(word) for word in words]
    near = [mark for mark in notes if any(shape.search(mark[2]) for shape in shapes)]
    return {
        "parsed": len(checkout.trees()),
        "marks": len(notes),
        "near": len(near),
        "unfinished": len(unfinished),
        "deprecated": len(deprecated),
        "skipped": len(skipped),
        "table": [list(mark) for mark in [*near, *(mark for mark in notes if mark not in near)][:MOST_MARKS]],
        "places": {
            "unfinished": [f"{path}:{line}" for path, line in sorted(unfinished)[:4]],
            "deprecated": [f"{path}:{line}" for path, line in sorted(deprecated)[:4]],
            "skipped": [f"{path}:{line}" for path, line in sorted(skipped)[:4]],
        },
    }


def _notes(text):
    """(line, text) of each comment that marks open work."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and re.search(MARKS, token.string):
                yield token.start[0], cut(token.string.lstrip("# "), 90)
    except (tokenize.TokenError, IndentationError):
        return


def _deprecates(call):
    given = {last_name(part.value if isinstance(part, ast.keyword) else part) for part in [*call.args, *call.keywords]}
    return bool(given & {"DeprecationWarning", "PendingDeprecationWarning"})
