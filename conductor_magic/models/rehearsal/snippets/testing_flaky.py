import ast
import re

RULES = {
    "sleeps": ("should fix", "waits for a time instead of for what it needs: slow, and too short on a busy machine"),
    "changes the process": ("should fix", "the folder or the environment stays changed for the tests after it"),
    "outside address": ("should fix", "needs a machine that is not the tester's own"),
    "fixed port": ("should fix", "two runs at once, or another program, take the port first"),
    "fixed place": ("consider", "two runs at once share the folder"),
    "chance without a seed": ("consider", "a failure cannot be repeated; no seed is set in the file"),
    "reads the clock": ("consider", "the outcome may depend on the day"),
}
LOCAL = re.compile(
    r"^(\[?::1|localhost|127\.|0\.0\.0\.0|[\w.-]*\.?(test|example|invalid|local|example\.\w+)$)", re.IGNORECASE
)
ASKING = {"get", "post", "put", "head", "request", "urlopen", "urlretrieve", "fetch", "stream"}
CLOCKS = {"now", "utcnow", "today"}


def testing_flaky(checkout):
    """Shapes in test files that make a test fail now and then."""
    tests = {path: tree for path, tree in checkout.trees().items() if is_test(path)}
    found = []
    for path, tree in tests.items():
        seeded = bool(re.search(r"\bseed\(|Random\(\d|default_rng\(\d", checkout.text(path)))
        for node in ast.walk(tree):
            rule = _call(node, seeded=seeded) if isinstance(node, ast.Call) else _other(node)
            if rule:
                found.append((rule, path, node.lineno, ast.unparse(node)))
    return {"files": len(tests), **ranked(RULES, found)}


def _call(node, *, seeded):
    """The rule that a call breaks, or nothing."""
    name = ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
    owner, _, last = name.rpartition(".")
    first = node.args[0] if node.args else None
    text = getattr(first, "value", None)
    if last == "sleep" and not (isinstance(text, (int, float)) and text <= 0):
        return "sleeps"
    if name in ("os.chdir", "os.putenv", "os.environ.update", "os.environ.setdefault"):
        return "changes the process"
    if last in ASKING and isinstance(text, str) and _is_outside(text):
        return "outside address"
    ports = [word.value for word in node.keywords if word.arg == "port"]
    if last in ("bind", "connect") and isinstance(first, ast.Tuple):
        ports += first.elts[1:2]
    if last == "listen" and type(text) is int and text > 1023:  # a lower number is how many may wait
        ports.append(first)
    if any(type(getattr(port, "value", None)) is int and port.value > 0 for port in ports):
        return "fixed port"
    if not seeded and (owner == "random" or owner.endswith("np.random")) and last[:1].islower():
        return "chance without a seed"
    if name == "time.time" or (last in CLOCKS and owner.rpartition(".")[2] in ("datetime", "date")):
        return "reads the clock"
    return ""


def _other(node):
    if isinstance(node, ast.Assign) and any(ast.unparse(to).startswith("os.environ[") for to in node.targets):
        return "changes the process"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/tmp/"):  # noqa: S108
        return "fixed place"
    return ""


def _is_outside(text):
    address = re.match(r"(?:https?|wss?|ftp)://([^/:?#]+)", text)
    return bool(address) and not LOCAL.match(address.group(1))
