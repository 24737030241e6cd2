import doctest

PYTHON = {"python", "py", "python3", "pycon", "pytb"}


def blocks(checkout):
    """Every piece of Python shown in documents and docstrings, as (path, line, text, whether it is a doctest)."""
    for path in checkout.named(".md", ".markdown"):
        yield from _split(path, _fenced(checkout.text(path)))
    for path in checkout.named(".rst"):
        yield from _split(path, _directed(checkout.text(path)))
    for path, tree in checkout.trees().items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node, clean=False)
                if text and ">>>" in text:
                    yield path, node.body[0].lineno, text, True


def sources(text):
    """(line of the text, source) of each example of a doctest.

    Raises:
        ValueError: an example is not written as the doctest module reads it.
    """
    return [(example.lineno, example.source) for example in doctest.DocTestParser().get_examples(text)]


def _split(path, found):
    for line, text in found:
        yield path, line, text, bool(re.search(r"^\s*>>> ", text, re.MULTILINE))


def _fenced(text):
    """(line, text) of the fenced blocks of a Markdown file that say they are Python."""
    fence, start, kind, held = "", 0, "", []
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})\s*\{?\.?(\w*)", line)
        if not fence and mark:
            fence, start, kind, held = mark[1], number + 1, mark[2].lower(), []
        elif fence and mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            if kind in PYTHON:
                yield start, _dedented(held)
            fence = ""
        else:
            held.append(line)


def _directed(text):
    """(line, text) of the code blocks of a reStructuredText file that say they are Python."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        mark = re.match(r"(\s*)\.\. (?:code-block|code|sourcecode):: *(\w+)\s*$", line)
        if mark and mark[2] in PYTHON:
            after = lines[number:]
            options = next((at for at, part in enumerate(after) if not re.match(r"\s+:[\w-]+:", part)), len(after))
            deep = re.compile(rf"{mark[1]}\s+\S|\s*$")
            end = next((at for at, part in enumerate(after) if at >= options and not deep.match(part)), len(after))
            yield number + options + 1, _dedented(after[options:end])


def _dedented(lines):
    full = [line for line in lines if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in full), default=0)
    return "".join(line[margin:] + "\n" for line in lines)
