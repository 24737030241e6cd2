"""A small language server over stdio, run as a program by the tests: `python toy_language_server.py [HABIT]`.

Its language: a line `def NAME` defines a name, a line with `bad` has a fault. It counts positions in UTF-16. It keeps
what it was sent (`log`), so that a test can ask for it by a hover over the word `log`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

HABIT = sys.argv[1] if len(sys.argv) > 1 else ""
texts: dict[str, str] = {}
log: list[Any] = []
asked: list[str] = []


def send(message: Json) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\nContent-Type: application/json\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def read() -> Json:
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not length:
        sys.exit(0)
    return json.loads(sys.stdin.buffer.read(length))


def span(line: int, start: int, end: int) -> Json:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def word_at(uri: str, position: Json) -> str:
    line = texts[uri].split("\n")[position["line"]]
    end = line.encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le")
    rest = line[len(end) :].split()
    return end.split(" ")[-1] + (rest[0] if rest else "")


def definitions(word: str) -> list[Json]:
    found = []
    for uri, text in texts.items():
        for number, line in enumerate(text.split("\n")):
            before, mark, name = line.partition("def ")
            if mark and name.split()[:1] == [word]:
                start = units(before + mark)
                found.append({"uri": uri, "range": span(number, start, start + units(word))})
    return found


def publish(uri: str) -> None:
    lines = texts[uri].split("\n")
    faults = [
        {"range": span(number, units(line.partition("bad")[0]), 0), "severity": 2, "message": "this is\x1b[31m bad"}
        for number, line in enumerate(lines)
        if "bad" in line
    ]
    send({"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": faults}})


def told_to_crash() -> bool:
    """Takes a byte from the pipe that the last argument names; True when there was one."""
    pipe = os.open(sys.argv[-1], os.O_RDONLY | os.O_NONBLOCK)
    try:
        return bool(os.read(pipe, 1))
    except BlockingIOError:
        return False


def answer(number: Any, method: str, params: Json) -> None:
    asked.append(method)
    if HABIT == "crash" or (HABIT == "crash-when-told" and told_to_crash()):
        print("panicked at line 1\nthread main is dead", file=sys.stderr, flush=True)
        os._exit(3)
    if HABIT == "slow":
        send({"method": "$/progress", "params": {"token": "t", "value": {"kind": "begin", "title": "Indexing"}}})
        return
    if HABIT == "mute" or (HABIT == "mute-once" and len(asked) == 1):
        return
    if HABIT == "refuse":
        send({"id": number, "error": {"code": -32803, "message": "no project\nis loaded"}})
        return
    if HABIT == "modified" and len(asked) < 3:
        send({"id": number, "error": {"code": -32801, "message": "content modified"}})
        return
    if HABIT == "loading" and len(asked) == 1:
        send({"method": "$/progress", "params": {"token": "t", "value": {"kind": "begin", "title": "Indexing"}}})
        send({"id": number, "result": None})
        send({"method": "$/progress", "params": {"token": "t", "value": {"kind": "end"}}})
        return
    send({"id": number, "result": result(method, params)})


def result(method: str, params: Json) -> Any:
    if method == "workspace/symbol":
        names = [line[4:] for text in texts.values() for line in text.split("\n") if line.startswith("def ")]
        wanted = [name for name in names if params["query"] in name]
        return [{"name": name, "kind": 12, "location": definitions(name)[0]} for name in wanted]
    uri = params["textDocument"]["uri"]
    if method == "textDocument/documentSymbol":
        return [{"name": "flat", "kind": 12, "containerName": "box", "location": {"uri": uri, "range": span(0, 0, 3)}}]
    word = word_at(uri, params["position"])
    if method == "textDocument/hover":
        if word == "log":
            return {"contents": [json.dumps(log)]}
        if word.startswith("read:"):
            return {"contents": {"kind": "plaintext", "value": content(word[5:])}}
        if word.startswith("write:"):
            return {"contents": written(word[6:])}
        if word == "network":
            return {"contents": Path("/proc/net/dev").read_text()}
        return (
            {"contents": [{"language": "toy", "value": f"def {word}"}, "a \x1b]0;title\x07wo\ud800rd"]}
            if word
            else None
        )
    if word == "odd":
        return [3, None, {"uri": 5}, {"uri": "jdt://library/Odd.class", "range": span(0, 4, 5)}, {"targetUri": uri}]
    if word.startswith("at:"):
        return {"uri": Path(word[3:]).as_uri(), "range": span(0, 0, 1)}
    if word == "many":
        return [{"uri": uri, "range": span(0, at, at + 1)} for at in range(130)]
    return definitions(word)


def content(path: str) -> str:
    try:
        return Path(path).read_text() or "(empty)"
    except OSError as error:
        return f"{error.strerror}"


def written(path: str) -> str:
    try:
        Path(path).write_text("from a server")
    except OSError as error:
        return f"{error.strerror}"
    return "written"


def hear(method: str, params: Json) -> None:
    if method == "initialized":
        requests = (
            ("workspace/configuration", {"items": [{"section": "toy"}, {}]}),
            ("window/workDoneProgress/create", {"token": "t"}),
            ("client/registerCapability", {"registrations": [{"id": "1", "method": "textDocument/implementation"}]}),
            ("workspace/applyEdit", {"edit": {}}),
            ("workspace/workspaceFolders", None),
            ("workspace/diagnostic/refresh", None),
            ("window/showDocument", {"uri": "https://example.test/"}),
            ("toy/unheard", {}),
        )
        for number, (name, what) in enumerate(requests):
            send({"id": f"s{number}", "method": name, "params": what})
    elif method == "textDocument/didOpen":
        texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        log.append(["open", params["textDocument"]["languageId"], params["textDocument"]["version"]])
        publish(params["textDocument"]["uri"])
    elif method == "textDocument/didChange":
        texts[params["textDocument"]["uri"]] = params["contentChanges"][0]["text"]
        log.append(["change", params["textDocument"]["version"]])
        publish(params["textDocument"]["uri"])
    elif method == "textDocument/didClose":
        log.append(["close", params["textDocument"]["uri"].rpartition("/")[2]])
    elif method == "workspace/didChangeWatchedFiles":
        events = sorted([unquote(event["uri"]).rpartition("/")[2], event["type"]] for event in params["changes"])
        log.append(["files", events])
    elif method == "$/cancelRequest":
        log.append(["cancel"])


def main() -> None:
    if HABIT == "exit":
        print("warning: no home\n\x1b[31merror: no toolchain\x1b[0m", file=sys.stderr)
        sys.exit(3)
    greeting = {
        "garbage": "Welcome to toy 1.0!",
        "huge": "Content-Length: 99999999999\n",
        "no-json": "Content-Length: 2\n\nhi",
    }
    if HABIT in greeting:
        print(greeting[HABIT], flush=True)
    while True:
        message = read()
        method = message.get("method")
        if method == "initialize" and HABIT == "never-ready":
            continue
        if method == "initialize":
            every = ("definition", "references", "hover", "documentSymbol", "workspaceSymbol", "callHierarchy")
            offered = {f"{name}Provider": HABIT != "bare" for name in every}
            log.append(["process", message["params"]["processId"]])
            send({"id": message["id"], "result": {"capabilities": offered}})
        elif method is None:
            log.append(message.get("result", message.get("error")))
        elif "id" in message:
            answer(message["id"], method, message["params"])
        else:
            hear(method, message["params"])


main()
