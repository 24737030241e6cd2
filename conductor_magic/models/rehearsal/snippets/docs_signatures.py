MOST_SIGNATURES = 6
GOOGLE = re.compile(r"^( *)(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Other Parameters): *$")
NUMPY = re.compile(r"^( *)(?:Parameters|Other Parameters) *$")
SPHINX = re.compile(
    r"^ *:(?:param|parameter|arg|argument|key|keyword)\b[^:\n]*?\*{0,2}\\?\*{0,2}(\w+) *:", re.MULTILINE
)
OTHERS = re.compile(r" *(?:Attributes|Examples?|Notes?|Raises|Returns?|References|See Also|Warn\w+|Yields?) *(?::.*)?$")
NAMED = re.compile(r"^ *\\?\*{0,2}(\w+)(?: *\([^:]*\))? *:")
LISTED = re.compile(r"^ *(\\?\*{0,2}\w+(?: *, *\\?\*{0,2}\w+)*) *(?::|$)")


def docs_signatures(checkout):
    """The parameters that docstrings describe, against those that functions have."""
    described, wrong, partial = 0, [], []
    for path, tree in checkout.trees().items():
        if is_test(path):
            continue
        for name, node in functions(tree):
            told = _described(ast.get_docstring(node) or "")
            if not told:
                continue
            described += 1
            named, further, open_ended = _parameters(node)
            extra = [one for one in told if one not in named | further]
            # With ** in the signature any name can be a parameter.
            if extra and not open_ended:
                wrong.append([path, node.lineno, name, extra])
            untold = sorted(one for one in named if one not in told and not one.startswith("_"))
            if untold:
                partial.append([path, node.lineno, name, untold])
    return {
        "described": described,
        "wrong_count": len(wrong),
        "partial_count": len(partial),
        "wrong": sorted(wrong)[:MOST_SIGNATURES],
        "partial": sorted(partial)[:MOST_SIGNATURES],
    }


def _parameters(node):
    """(the parameters that have a name of their own, what else a caller may pass by name, whether there is a **)."""
    given = node.args
    names = [one.arg for one in [*given.posonlyargs, *given.args]]
    first = names[:1] if names[:1] in (["self"], ["cls"], ["mcs"]) else []
    others = {one.arg for one in (given.vararg, given.kwarg) if one}
    return {*names, *(one.arg for one in given.kwonlyargs)} - {*first}, {*first, *others}, bool(given.kwarg)


def _described(text):
    """The parameters that a docstring describes, in the manner of Google, NumPy or Sphinx, in order."""
    found, lines = [*SPHINX.findall(text)], text.splitlines()
    for at, line in enumerate(lines):
        google, numpy = GOOGLE.match(line), NUMPY.match(line)
        if google:
            found += _google(lines[at + 1 :], len(google[1]))
        elif numpy and at + 1 < len(lines) and re.fullmatch(r" *-{3,} *", lines[at + 1]):
            found += _numpy(lines[at + 2 :], len(numpy[1]))
    return list(dict.fromkeys(name.lstrip("\\*") for name in found))


def _google(lines, margin):
    """The names at the first indentation below a heading, until a line that stands no deeper than the heading."""
    depth = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent <= margin:
            return
        depth = indent if depth is None else depth
        if indent == depth and (mark := NAMED.match(line)):
            yield mark[1]


def _numpy(lines, margin):
    """The names at the heading's own indentation, until the next heading."""
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        indent = len(line) - len(line.lstrip())
        if line.strip() and (indent < margin or OTHERS.match(line) or re.fullmatch(r" *-{3,} *", after)):
            return
        if line.strip() and indent == margin and (mark := LISTED.match(line)):
            yield from re.split(r" *, *", mark[1])
