TIMED = {
    "subprocess": ("run", "call", "check_call", "check_output"),
    "requests": ("get", "post", "put", "patch", "delete", "head", "request"),
    "urllib.request": ("urlopen",),
    "socket": ("create_connection",),
}
LEVELS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "log"}
LOGS = {"log", "_log", "logger", "_logger", "logging", "LOG", "LOGGER"}
WATCHERS = ("prometheus_client", "opentelemetry", "statsd", "datadog", "sentry_sdk", "structlog", "loguru", "newrelic")
ALIVE = re.compile(r"[\"'](?:/[\w-]+)*/(?:health|healthz|healthcheck|livez|ready|readyz|readiness|metrics|ping)/?[\"']")
MOST_PLACES = 6


def ops_signals(checkout):
    """What a Python service tells while it runs, and where it can fall silent: errors dropped, waits without an end."""
    logging, printing, dropped, endless, alive, watchers, looked = [], [], [], [], [], {}, 0
    for path, tree in checkout.trees().items():
        if is_test(path):
            continue
        looked += 1
        origins = imported_names(tree)
        if any(isinstance(node, ast.Call) and _logs(node.func) for node in ast.walk(tree)):
            logging.append(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = dotted(node.func, origins)
                module, _, function = name.rpartition(".")
                if name == "print" and _shows(node):
                    printing.append((path, node.lineno))
                elif function in TIMED.get(module, ()) and not _timed(node, function):
                    endless.append([path, node.lineno, name])
            elif isinstance(node, ast.ExceptHandler) and all(
                isinstance(part, ast.Pass) or _is_dots(part) for part in node.body
            ):
                dropped.append([path, node.lineno, cut(ast.unparse(node.type), 40) if node.type else "everything"])
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                tops = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                for top in {name.partition(".")[0] for name in tops} & set(WATCHERS):
                    watchers.setdefault(top, set()).add(path)
        alive += [[path, number, cut(line, 60)] for number, line in lines_of(checkout, path) if ALIVE.search(line)]
    return {
        "modules": looked,
        "logging": len(logging),
        "printing": len(printing),
        "printing_files": len({path for path, _ in printing}),
        "dropped_count": len(dropped),
        "dropped": sorted(dropped)[:MOST_PLACES],
        "endless_count": len(endless),
        "endless": sorted(endless)[:MOST_PLACES],
        "alive_count": len(alive),
        "alive": sorted(alive)[:3],
        "watchers": [[name, len(paths)] for name, paths in sorted(watchers.items())],
    }


def _logs(node):
    """Whether a call goes to something that is named as a log, at one of the levels."""
    owner = node.value if isinstance(node, ast.Attribute) and node.attr in LEVELS else None
    return getattr(owner, "attr", getattr(owner, "id", "")) in LOGS


def _shows(call):
    """Whether a print goes where people look, and not into a file."""
    into = [ast.unparse(word.value) for word in call.keywords if word.arg == "file"]
    return not into or into[0] in ("None", "sys.stdout", "sys.stderr")


def _timed(call, function):
    """Whether a call says how long it may wait; what is handed on by ** may say it."""
    positions = {"urlopen": 3, "create_connection": 2}.get(function, 99)
    return len(call.args) >= positions or any(word.arg in ("timeout", None) for word in call.keywords)


def _is_dots(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
