"""Language servers: one for each language of a workspace, shared by all workers of a run, inside the walls."""

from __future__ import annotations

from conductor_magic.lsp.client import RequestFailed, ServerDied
from conductor_magic.lsp.documents import Document
from conductor_magic.lsp.languages import Language, known_languages, languages_file
from conductor_magic.lsp.server import LanguageServer
from conductor_magic.lsp.servers import LanguageServers

__all__ = [
    "Document",
    "Language",
    "LanguageServer",
    "LanguageServers",
    "RequestFailed",
    "ServerDied",
    "known_languages",
    "languages_file",
]
