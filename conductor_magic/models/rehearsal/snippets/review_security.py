import ast
import re

RULES = {
    "eval or exec": ("must fix", "a text that is not written here is run as Python"),
    "shell command": ("must fix", "a command that is put together goes to a shell"),
    "SQL put together": ("must fix", "a query is made of pieces instead of parameters"),
    "secret in the source": ("must fix", "a password, key or token stands in the file"),
    "certificate unchecked": ("should fix", "TLS certificates or host names are not checked"),
    "unsafe YAML": ("must fix", "the loader can make any object"),
    "unpickling": ("should fix", "pickle and marshal run what the data says: only for data of one's own"),
    "archive unpacked": ("should fix", "a tar archive is unpacked without a filter of its paths"),
    "guessable file": ("should fix", "the name of a temporary file can be taken by others first"),
    "weak hash": ("consider", "MD5 and SHA-1 are no protection against forgery"),
    "all interfaces": ("consider", "0.0.0.0 lets every machine in reach connect"),
}
SECRET = re.compile(r"(^|_)(password|passwd|secret|token|api_?key|private_?key)$", re.IGNORECASE)
SQL = re.compile(r"^\s*(select|insert|update|delete|create|drop|alter)\b", re.IGNORECASE)
UNPICKLING = {f"{module}.{name}" for module in ("pickle", "_pickle", "marshal") for name in ("load", "loads")}
UNPICKLING |= {"pickle.Unpickler", "shelve.open"}
UNSAFE_YAML = {f"yaml.{kind}_load{all_of}" for kind in ("unsafe", "full") for all_of in ("", "_all")}


def review_security(checkout):
    """Places in the Python files, tests aside, that a fixed list of rules holds for dangerous."""
    found = []
    files = {path: tree for path, tree in checkout.trees().items() if not is_test(path)}
    for path, tree in files.items():
        aliases = imported_names(tree)
        for node in ast.walk(tree):
            for rule in _broken(node, aliases):
                line = getattr(node, "lineno", 0)
                found.append((rule, path, line, "" if "secret" in rule else ast.unparse(node)))
    return {"files": len(files), **ranked(RULES, found)}


def _broken(node, aliases):
    """The rules that a node breaks."""
    if isinstance(node, ast.Call):
        yield from _call(node, dotted(node.func, aliases), aliases)
    elif isinstance(node, ast.Constant) and node.value == "0.0.0.0":  # noqa: S104
        yield "all interfaces"
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [getattr(target, "id", getattr(target, "attr", "")) for target in targets]
        if any(SECRET.search(name) for name in names) and _looks_secret(node.value):
            yield "secret in the source"
        unchecked = "check_hostname" in names and getattr(node.value, "value", None) is False
        if unchecked or dotted(node.value, aliases) == "ssl.CERT_NONE":
            yield "certificate unchecked"


def _call(node, name, aliases):
    first, method = (node.args[0] if node.args else None), getattr(node.func, "attr", "")
    given = {word.arg: word.value for word in node.keywords if word.arg}
    written = isinstance(first, ast.Constant)
    if name in ("eval", "exec", "builtins.eval", "builtins.exec") and first is not None and not written:
        yield "eval or exec"
    shell = getattr(given.get("shell"), "value", False) is True
    if (shell or name in ("os.system", "os.popen")) and not isinstance(first or given.get("args"), ast.Constant):
        yield "shell command"
    if method in ("execute", "executemany", "executescript") and _put_together(first):
        yield "SQL put together"
    if any(SECRET.search(word) and _looks_secret(value) for word, value in given.items()):
        yield "secret in the source"
    unchecked = getattr(given.get("verify"), "value", True) is False or name == "ssl._create_unverified_context"
    if unchecked or any(dotted(value, aliases) == "ssl.CERT_NONE" for value in given.values()):
        yield "certificate unchecked"
    loader = given.get("Loader", node.args[1] if len(node.args) > 1 else None)
    if name in UNSAFE_YAML or (name in ("yaml.load", "yaml.load_all") and "Safe" not in dotted(loader, aliases)):
        yield "unsafe YAML"
    if name in UNPICKLING:
        yield "unpickling"
    if method == "extractall" and "filter" not in given and any("tarfile" in used for used in aliases.values()):
        yield "archive unpacked"
    if name == "tempfile.mktemp":
        yield "guessable file"
    if name in ("hashlib.md5", "hashlib.sha1") and getattr(given.get("usedforsecurity"), "value", True) is not False:
        yield "weak hash"


def _looks_secret(value):
    """A text like a key: long, without spaces, with letters and digits."""
    text = getattr(value, "value", None)
    return isinstance(text, str) and bool(re.fullmatch(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.!@#$%^&*-]{8,}", text))


def _put_together(value):
    """Whether a text with SQL in front is made of pieces."""
    if isinstance(value, ast.JoinedStr):
        parts = value.values
        whole = any(isinstance(part, ast.FormattedValue) for part in parts)
        return whole and bool(SQL.match(str(getattr(parts[0], "value", ""))))
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Add, ast.Mod)):
        left = value.left
        while isinstance(left, ast.BinOp):
            left = left.left
        return bool(SQL.match(str(getattr(left, "value", ""))))
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        return bool(SQL.match(str(getattr(value.func.value, "value", ""))))
    return False
