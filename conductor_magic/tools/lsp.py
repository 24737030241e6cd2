"""LSP: what a language server knows of the code: definitions, references, types, symbols, calls, faults."""

from __future__ import annotations

import asyncio
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.errors import ToolError
from conductor_magic.lsp import Document, Language, LanguageServer, LanguageServers, RequestFailed
from conductor_magic.lsp.positions import lines_of, to_units
from conductor_magic.tools.base import ToolContext, ToolResult
from conductor_magic.tools.commands import admit_command
from conductor_magic.tools.files import admitted
from conductor_magic.tools.lsp_answers import Answers
from conductor_magic.tools.output import plain

__all__ = ["LSP"]

Json = dict[str, Any]

_LARGEST_FILE = 5 << 20

_OPERATIONS = {
    "goToDefinition": ("textDocument/definition", "definitionProvider"),
    "findReferences": ("textDocument/references", "referencesProvider"),
    "hover": ("textDocument/hover", "hoverProvider"),
    "documentSymbol": ("textDocument/documentSymbol", "documentSymbolProvider"),
    "workspaceSymbol": ("workspace/symbol", "workspaceSymbolProvider"),
    "goToImplementation": ("textDocument/implementation", "implementationProvider"),
    "prepareCallHierarchy": ("textDocument/prepareCallHierarchy", "callHierarchyProvider"),
    "incomingCalls": ("callHierarchy/incomingCalls", "callHierarchyProvider"),
    "outgoingCalls": ("callHierarchy/outgoingCalls", "callHierarchyProvider"),
    "diagnostics": ("", ""),
}
"""Operation -> the protocol's request, and what a server that has it says of itself."""

_WITHOUT_POSITION = ("documentSymbol", "workspaceSymbol", "diagnostics")


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, about which file, and where in it (from 0, in characters)."""

    operation: str
    document: Document
    line: int
    column: int

    @property
    def source(self) -> str:
        """The line that is asked about."""
        return lines_of(self.document.text)[self.line]

    def position(self, encoding: str) -> Json:
        """As the protocol's parameters."""
        place = {"line": self.line, "character": to_units(self.source, self.column, encoding)}
        return {"textDocument": {"uri": self.document.uri}, "position": place}


class LSP:
    """The LSP tool."""

    name = "LSP"
    description = (
        "Ask a language server about code: where a name is defined or used, its type and docs, a file's or the "
        "workspace's symbols, who calls what, a file's errors. Point `line` and `character` at the name, as Read and "
        "Grep show it. Python always works; other languages where the person has set a server up."
    )
    input_schema: Json = {
        "type": "object",
        "properties": {
            "operation": {"type": "string", "enum": list(_OPERATIONS), "description": "What to ask."},
            "filePath": {"type": "string", "description": "The file (all but workspaceSymbol need it)."},
            "file_path": {"type": "string", "description": "The same as filePath; give one of them."},
            "line": {"type": "integer", "minimum": 1, "description": "Line of the name, from 1."},
            "character": {"type": "integer", "minimum": 1, "description": "Character in the line, from 1."},
            "query": {"type": "string", "description": "workspaceSymbol: the name, or a part of it."},
        },
        "required": ["operation"],
        "additionalProperties": False,
    }
    repeatable = True

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        """Ask the file's language server; see `WorkerTool.run`."""
        try:
            # A server may say halves of characters, and a file may be named by them.
            return ToolResult((await _answer(args, context)).encode(errors="replace").decode())
        except ToolError as error:
            # It may quote what a server said.
            raise ToolError(" ".join(plain(str(error)).split())) from None


async def _answer(args: Json, context: ToolContext) -> str:
    operation, asked = args["operation"], _file_path(args)
    servers = _servers_of(context)
    if operation == "workspaceSymbol":
        return await _workspace_symbols(args.get("query") or "", asked, servers, context)
    if asked is None:
        raise ToolError(f"{operation} needs `filePath`.")
    language = servers.language_of(Path(asked))
    document = await _document(asked, context)
    question = _Question(operation, document, *_place(operation, asked, args, document.text))
    await _admit_start(servers, language, context)
    return await servers.use(language, functools.partial(_ask, question, context))


def _file_path(args: Json) -> str | None:
    one, other = args.get("filePath"), args.get("file_path")
    if one and other and one != other:
        raise ToolError("`filePath` and `file_path` are two names of one field and differ here; give `filePath` only.")
    return one or other or None


def _servers_of(context: ToolContext) -> LanguageServers:
    """The run's language servers; the first call makes them and registers their end."""
    services = context.services
    if services.servers is None:
        servers = services.servers = LanguageServers(context.walls)

        async def close() -> None:
            services.servers = None
            await servers.aclose()

        services.closers.append(close)
    return services.servers


async def _admit_start(servers: LanguageServers, language: Language, context: ToolContext) -> None:
    """Pass the gate with the command that would start a server, where none runs yet."""
    command = servers.command_of(language)
    if command is not None:
        await admit_command(command, LSP.name, context)


async def _document(asked: str, context: ToolContext) -> Document:
    """The file's present content, once the gate has admitted reading it."""
    reach = await admitted(asked, LSP.name, context, writing=False)

    def read() -> Document:
        with reach.file(asked) as (handle, path), open(handle, "rb", closefd=False) as file:
            if os.fstat(handle).st_size > _LARGEST_FILE:
                raise ToolError(f"{asked}: is larger than {_LARGEST_FILE >> 20} MiB; use Grep.")
            content = file.read(_LARGEST_FILE + 1)
        try:
            return Document(path, content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise ToolError(f"{asked}: is not UTF-8 text, which is all that language servers read.") from None

    return await asyncio.to_thread(read)


def _place(operation: str, asked: str, args: Json, text: str) -> tuple[int, int]:
    """Line and column, from 0, checked against the file."""
    if operation in _WITHOUT_POSITION:
        return 0, 0
    line, character = args.get("line"), args.get("character")
    if not line or not character:
        raise ToolError(f"{operation} needs `line` and `character`, both counted from 1.")
    lines = lines_of(text)
    if line > len(lines):
        raise ToolError(f"{asked}: has only {len(lines)} lines; there is no line {line}.")
    if character > len(lines[line - 1]) + 1:
        raise ToolError(f"{asked}: line {line} has only {len(lines[line - 1])} characters, not {character}.")
    return line - 1, character - 1


async def _ask(question: _Question, context: ToolContext, server: LanguageServer) -> str:
    """Put one question to a running server; the text for the model."""
    answers = Answers(context, server.encoding, question.document)
    document, operation = question.document, question.operation
    method, capability = _OPERATIONS[operation]
    if operation == "diagnostics":
        found, current = await _asked(server, operation, server.diagnostics(document))
        return await answers.diagnostics(found, document, _stale(server, current))
    if not server.offers(capability):
        raise ToolError(f"{server.title} does not offer {operation}. Use Grep and Read instead.")
    place = question.position(server.encoding)
    if operation in ("incomingCalls", "outgoingCalls"):
        return await _calls(question, answers, server, method, place)
    params = {"textDocument": place["textDocument"]} if operation == "documentSymbol" else place
    if operation == "findReferences":
        params = {**place, "context": {"includeDeclaration": True}}
    found = await _asked(server, operation, server.ask(method, params, document))
    match operation:
        case "hover":
            text = answers.hover(found)
        case "documentSymbol":
            text = answers.outline(found, document)
        case "prepareCallHierarchy":
            text = await answers.symbols(found)
        case _:
            text = await answers.places(found)
    return text + _late_news(server) if text else _nothing(question, server)


async def _calls(question: _Question, answers: Answers, server: LanguageServer, method: str, place: Json) -> str:
    """Who calls a function, or whom it calls."""
    operation = question.operation
    prepare = _OPERATIONS["prepareCallHierarchy"][0]
    items = await _asked(server, operation, server.ask(prepare, place, question.document))
    if not isinstance(items, list) or not items:
        return _nothing(question, server, "function")
    parts: list[str] = []
    for item in items:
        calls = await _asked(server, operation, server.ask(method, {"item": item}, fresh=False))
        parts.append(await answers.calls(calls, item, incoming=operation == "incomingCalls"))
    text = "\n".join(part for part in parts if part)
    return text + _late_news(server) if text else _nothing(question, server, "calls")


async def _asked(server: LanguageServer, operation: str, answer: Any) -> Any:
    """The answer, or a plain sentence where the server refuses."""
    try:
        return await answer
    except RequestFailed as error:
        if error.unknown:
            raise ToolError(f"{server.title} does not offer {operation}. Use Grep and Read instead.") from None
        raise ToolError(f"{server.title} could not answer {operation}: {' '.join(str(error).split())[:300]}") from None


async def _workspace_symbols(query: str, asked: str | None, servers: LanguageServers, context: ToolContext) -> str:
    """Symbols by name: of the file's language, else of all that are known; a server that fails is told below them."""
    if not query.strip():
        raise ToolError("workspaceSymbol needs `query`: the name that is looked for, or a part of it.")
    # The server searches the workspace: that is what the gate is asked for.
    await admitted(".", LSP.name, context, writing=False)
    languages = [servers.language_of(Path(asked))] if asked else await servers.present()
    searches = (_symbols_of(language, query, servers, context) for language in languages)
    texts = await asyncio.gather(*searches, return_exceptions=True)
    if len(texts) == 1 and isinstance(texts[0], BaseException):
        raise texts[0]
    parts: list[str] = []
    for text in texts:
        if isinstance(text, BaseException) and not isinstance(text, ToolError):
            raise text
        parts.append(f"[{plain(str(text))}]" if isinstance(text, ToolError) else text)
    return "\n".join(part for part in parts if part) or f"No symbol matches {query!r}. A shorter part of the name may."


async def _symbols_of(language: Language, query: str, servers: LanguageServers, context: ToolContext) -> str:
    async def ask(server: LanguageServer) -> str:
        method, capability = _OPERATIONS["workspaceSymbol"]
        if not server.offers(capability):
            raise ToolError(f"{server.title} does not offer workspaceSymbol. Use Grep instead.")
        found = await _asked(server, "workspaceSymbol", server.ask(method, {"query": query}))
        text = await Answers(context, server.encoding).symbols(found)
        return text + _late_news(server) if text else ""

    await _admit_start(servers, language, context)
    return await servers.use(language, ask)


def _nothing(question: _Question, server: LanguageServer, what: str = "") -> str:
    """What is said when a server finds nothing."""
    loading = f" The server is still at work ({server.busy}): ask again in a while." if server.busy else ""
    if question.operation == "documentSymbol":
        return f"No symbols in {question.document.path}.{loading}"
    source = question.source
    here = source[question.column : question.column + 1]
    hint = "" if here.isalnum() or here == "_" else " No name stands there: point `character` at the name itself."
    sought = f"{question.operation} found no {what or 'result'}"
    where = f"{question.document.path}:{question.line + 1}:{question.column + 1}"
    line = f": {source.strip()[:200]}" if source.strip() else " (an empty line)."
    return f"{sought} at {where}{line}{hint}{loading}"


def _stale(server: LanguageServer, current: bool) -> str:
    old = "" if current else "\n[published before the last change of the file; ask again for newer ones]"
    return old + _late_news(server)


def _late_news(server: LanguageServer) -> str:
    """What the model must know of an answer that may be incomplete."""
    notes = [f"[the server is still at work ({server.busy}): there may be more]"] if server.busy else []
    if not server.complete:
        notes.append("[the workspace has very many files: changes in some of them may not be seen]")
    return "".join(f"\n{note}" for note in notes)
