"""What every look at a checkout starts from: its text files, its parsed Python, and strict JSON out."""

import ast
import json
import os
import re
import warnings
from pathlib import Path

MOST_FILES = 20_000
MOST_BYTES = 1_000_000  # of a file that is read
MOST_CHARACTERS = 16_000  # of one line of figures: the tool cuts what is longer
MOST_EXAMPLES = 3  # of one rule
WEIGHTS = ("must fix", "should fix", "consider")
SKIPPED = {"node_modules", "__pycache__", "site-packages", "build", "dist", "venv"}
MARKS = r"\b(TODO|FIXME|XXX|HACK)\b"
OPEN_MARKER = ("consider", "TODO, FIXME, XXX or HACK: work that somebody left")


class Checkout:
    """A folder of source files, read once.

    `files` are the relative paths of its files by name, with `/`; hidden and installed ones are left out. `notes` says
    what could not be looked at.
    """

    def __init__(self, root):
        self.root, self.files, self.notes, self._texts, self._trees = Path(root), [], [], {}, None
        for folder, folders, names in os.walk(root):
            kept = [name for name in folders if not name.startswith(".") and name not in SKIPPED]
            folders[:] = sorted(name for name in kept if not Path(folder, name, "pyvenv.cfg").exists())
            self.files += [Path(folder, name).relative_to(root).as_posix() for name in sorted(names)]
            if len(self.files) > MOST_FILES:
                self.notes.append(f"Only the first {MOST_FILES} files were looked at.")
                del self.files[MOST_FILES:]
                break
        self.files.sort()

    def named(self, *endings):
        """The files whose names end so."""
        return [path for path in self.files if path.lower().endswith(endings)]

    def text(self, path):
        """A file's text; empty when it is none, too long or gone."""
        if path not in self._texts:
            file = self.root / path
            try:
                self._texts[path] = "" if file.stat().st_size > MOST_BYTES else file.read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError):
                self._texts[path] = ""
        return self._texts[path]

    def lines(self, path):
        """A file's lines, numbered as editors and the compiler do: a form feed ends none."""
        lines = re.split(r"\r\n?|\n", self.text(path))
        return lines if lines[-1] else lines[:-1]

    def trees(self):
        """The syntax tree of each Python file that can be parsed, by path."""
        if self._trees is None:
            self._trees, broken = {}, []
            for path in self.named(".py"):
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        self._trees[path] = ast.parse(self.text(path))
                except (SyntaxError, ValueError, RecursionError):
                    broken.append(path)
            if broken:
                self.notes.append(f"Not parsed, as no Python of this version: {', '.join(broken[:5])}.")
        return self._trees

    def found(self, pattern, *endings, flags=0):
        """Where a pattern occurs, as (path, line number, the line), in the files whose names end so."""
        shape = re.compile(pattern, flags)
        for path in self.named(*endings) if endings else self.files:
            for number, line in enumerate(self.lines(path), 1):
                if shape.search(line):
                    yield path, number, cut(line, 120)


def functions(tree):
    """Every function of a tree, methods and nested ones too, with its dotted name."""

    def walk(node, before):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{before}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    yield name, child
                yield from walk(child, f"{name}.")
            else:
                yield from walk(child, before)

    return walk(tree, "")


def last_name(node):
    """The last part of the name that an expression, or what it calls, goes by; empty when it has none."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "attr", getattr(node, "id", ""))


def decorated(node, *names):
    """Whether a function has one of these decorators, from wherever they come."""
    return any(last_name(decorator) in names for decorator in node.decorator_list)


def imported_names(tree):
    """Local name -> the dotted name that an import of the module gives it."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                names[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def dotted(node, names):
    """The dotted name of an expression, its first part as imports give it; empty when it is no such name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def open_markers(checkout):
    """(path, line number, line) of each Python line, tests aside, whose comment marks open work."""
    return [place for place in checkout.found(rf"#.*{MARKS}", ".py") if not is_test(place[0])]


def is_test(path):
    """Whether a file's path says that it holds tests."""
    name = path.rpartition("/")[2]
    return (
        bool(re.search(r"(^|/)tests?/", path))
        or name.startswith(("test_", "conftest."))
        or name.endswith(("_test.py", ".test.ts"))
    )


def ranked(rules, found, *, by_place=True):
    """Findings as figures: how many of each weight, the gravest examples first, and the count of every rule.

    Args:
        rules: name -> (weight, what it means); what comes first is told first.
        found: (rule, path, line, text) of each occurrence.
        by_place: examples are the first by path and line; else in the order given.
    """
    counts = {weight: sum(rules[rule][0] == weight for rule, *_ in found) for weight in WEIGHTS}
    order = sorted(rules, key=lambda rule: WEIGHTS.index(rules[rule][0]))
    examples, shown = [], {}
    for rule in order:
        own = [item[1:] for item in found if item[0] == rule]
        shown[rule] = (sorted(own) if by_place else own)[:MOST_EXAMPLES]
        examples += [[rules[rule][0], rule, path, line, cut(text, 60)] for path, line, text in shown[rule]]
    return {
        **{weight.replace(" ", "_"): count for weight, count in counts.items()},
        "examples": examples,
        "rules": [
            [rule, rules[rule][0], sum(item[0] == rule for item in found), len(shown[rule]), rules[rule][1]]
            for rule in order
        ],
    }


def beginning(word):
    """A pattern for words and parts of names that begin so, in any case: `port` in `open_port`, `IPPort`, `Ports`."""
    starts = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]))"
    return re.compile(f"{starts}(?i:{re.escape(word)})")


def cut(value, limit):
    """The value as one line of text of at most so many characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def look(recipe, root, **options):
    """Run a recipe on a folder and print its figures on one line; long lists are cut, and said to be."""
    checkout = Checkout(root)
    figures = {**recipe(checkout, **options), "notes": checkout.notes}
    text = json.dumps(figures, ensure_ascii=False)
    while len(text) > MOST_CHARACTERS:
        longest = max((value for value in figures.values() if isinstance(value, list)), key=len)
        del longest[max(1, len(longest) // 2) :]
        if "Long lists are cut here." not in figures["notes"]:
            figures["notes"].append("Long lists are cut here.")
        text = json.dumps(figures, ensure_ascii=False)
    print("RESULT " + text)
