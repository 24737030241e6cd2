import ast
import itertools

RULES = {
    "always true": ("must fix", "an assertion on a tuple with something in it never fails"),
    "identity of a literal": ("must fix", "`is` on numbers and texts depends on the interpreter"),
    "repeated key": ("must fix", "the earlier value of the key is lost"),
    "NotImplemented raised": ("must fix", "it is no exception: the error is meant"),
    "defined twice": ("should fix", "the later definition hides the earlier one"),
    "unreachable": ("should fix", "nothing after a return, raise, break or continue runs"),
    "error swallowed": ("should fix", "every error is caught, and nothing done about it"),
    "bare except": ("should fix", "it catches cancellation and exit too"),
    "shared default": ("should fix", "one list, dict or set serves all calls"),
    "leaves a finally": ("should fix", "an error under way is dropped"),
    "equal to None": ("consider", "`is None` cannot be overloaded"),
}
ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def review_correctness(checkout):
    """Mistakes that show in the syntax tree of the Python files, tests included."""
    found, trees = [], checkout.trees()
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for rule, at in _mistakes(node):
                found.append((rule, path, at.lineno, checkout.lines(path)[at.lineno - 1]))
    return {"files": len(trees), **ranked(RULES, found)}


def _mistakes(node):
    """(rule, node that shows it) of each mistake in a node itself."""
    if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts:
        yield "always true", node
    elif isinstance(node, ast.Compare):
        yield from _comparison(node)
    elif isinstance(node, ast.Dict):
        keys = [(type(key.value), key.value) for key in node.keys if isinstance(key, ast.Constant)]
        if len(keys) != len(set(keys)):
            yield "repeated key", node
    elif isinstance(node, ast.Raise) and "NotImplemented" in (_name(node.exc), _name(getattr(node.exc, "func", None))):
        yield "NotImplemented raised", node
    elif isinstance(node, ast.ExceptHandler):
        yield from _handler(node)
    elif isinstance(node, ast.Try):
        yield from (("leaves a finally", leaving) for leaving in _leavings(node.finalbody))
    elif isinstance(node, FUNCTIONS):
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if isinstance(default, MUTABLE) or _name(getattr(default, "func", None)) in ("list", "dict", "set"):
                yield "shared default", default
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield from _block(block)


def _comparison(node):
    for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        literals = [side.value for side in (left, right) if isinstance(side, ast.Constant)]
        if isinstance(operator, (ast.Is, ast.IsNot)) and any(type(one) in (int, float, str, bytes) for one in literals):
            yield "identity of a literal", node
        if isinstance(operator, (ast.Eq, ast.NotEq)) and None in literals:
            yield "equal to None", node


def _handler(node):
    idle = all(isinstance(part, (ast.Pass, ast.Continue)) or _is_literal(part) for part in node.body)
    if node.type is None and not any(isinstance(part, ast.Raise) for part in ast.walk(node)):
        yield "bare except", node
    if idle and (node.type is None or _name(node.type) in ("Exception", "BaseException")):
        yield "error swallowed", node


def _leavings(block):
    """What leaves the finally itself; loops in it are not looked into, for what leaves them may stay inside."""
    for statement in block:
        if isinstance(statement, ENDS) and not isinstance(statement, ast.Raise):
            yield statement
        elif isinstance(statement, (ast.If, ast.With, ast.Try)):
            for field in ("body", "orelse", "finalbody"):
                yield from _leavings(getattr(statement, field, []))


def _block(block):
    """What is wrong with the order of a block's statements."""
    for before, after in itertools.pairwise(block):
        if isinstance(before, ENDS) and not _only_marks(after):
            yield "unreachable", after
    defined = set()
    for statement in block:
        if isinstance(statement, FUNCTIONS) and not statement.decorator_list:
            if statement.name in defined and statement.name != "_":
                yield "defined twice", statement
            defined.add(statement.name)
        elif not isinstance(statement, FUNCTIONS):
            # Whoever used or bound the name in between may have meant it so.
            defined -= {part.id for part in ast.walk(statement) if isinstance(part, ast.Name)}


def _only_marks(node):
    """A `yield` after a return makes a function a generator and is meant so."""
    return isinstance(node, ast.Expr) and isinstance(node.value, (ast.Yield, ast.Constant))


def _is_literal(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name(node):
    return node.id if isinstance(node, ast.Name) else ""
