"""Names every way in which a request can fail, and says whether trying again may help.

Three sources are read: the API's error object (an HTTP error's body, or an `error` event in a stream that began
with HTTP 200), the HTTP status where there is no such object, and the exceptions of the SDK and its transports.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from conductor_magic.errors import BrokenStream, ModelError, RequestRefused, Unreachable

if TYPE_CHECKING:
    from anthropic import APIStatusError

    from conductor_magic.models.base import Json

__all__ = ["fault_of_body", "fault_of_exception", "retry_after_seconds"]

_KIND_OF_TYPE = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limited",
    "api_error": "server_error",
    "timeout_error": "timeout",
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "permission_error": "authentication",
    "billing_error": "billing",
    "not_found_error": "not_found",
    "request_too_large": "context_too_long",
}
_KIND_OF_STATUS = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "authentication",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "context_too_long",
    429: "rate_limited",
    504: "timeout",
    529: "overloaded",
}
_RETRYABLE = frozenset({"overloaded", "rate_limited", "server_error", "timeout", "conflict"})
# What the same request, or a hundred of them, cannot mend: a server's wish to hear it again is not obeyed.
_LASTING = frozenset({"authentication", "billing", "context_too_long", "unknown_model"})
_WORDS = {"authentication": "that it refuses the credential", "unknown_model": "that it has no such model for you"}
_LONGEST_MESSAGE = 500
# The API has no error type of its own for these, and what to do about them differs from any other bad request.
_CONTEXT_PHRASES = (
    "prompt is too long",
    "input is too long",
    "exceed context limit",
    "context window",
    "context length",
    "context_length_exceeded",
)
_BILLING_PHRASES = ("credit balance", "insufficient_quota", "insufficient credits")
_NO_SUCH_MODEL = re.compile(
    r"\b(?:invalid|unknown) model\b"
    r"|\bmodel\b.{0,100}?(?:not found|not exist|retired|been deprecated|no longer available|identifier is invalid)",
    re.DOTALL,
)
# Said of one model, a 403 does not mean the credential: another model of the tier may be had with it.
_NO_ACCESS_TO_MODEL = re.compile(r"\baccess\b.{0,100}\bmodel\b|\bmodel\b.{0,100}\baccess\b", re.DOTALL)


def fault_of_body(
    body: object,
    *,
    status: int | None = None,
    retry_after: float | None = None,
    should_retry: bool | None = None,
    usage: Json | None = None,
) -> ModelError:
    """The error that an API error object describes.

    Args:
        body: the decoded body, `{"type": "error", "error": {"type", "message"}}`; anything else falls back on status.
        status: the HTTP status, or None for an error inside a stream.
        retry_after: seconds that the server asked us to wait.
        should_retry: the server's own word (`x-should-retry`), which beats the table.
        usage: tokens already reported for this attempt.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    error_type = error.get("type") if isinstance(error, Mapping) else None
    text = error.get("message") if isinstance(error, Mapping) else error
    said = text if isinstance(text, str) else ""
    kind = _kind(error_type, status, said)
    retryable = kind in _RETRYABLE if should_retry is None or kind in _LASTING else should_retry
    where = f"HTTP {status}" if status else "in the stream"
    message = f"The model's server answered {_WORDS.get(kind, kind.replace('_', ' '))} ({where})"
    message += f": {said[:_LONGEST_MESSAGE]}" if said else "."
    make = Unreachable if retryable else RequestRefused
    return make(message, kind=kind, status=status, retryable=retryable, retry_after=retry_after, usage=usage)


def _kind(error_type: object, status: int | None, said: str) -> str:
    """The short word for an error, by its type, else by its status, and by its text where that alone tells."""
    kind = _KIND_OF_TYPE.get(error_type) if isinstance(error_type, str) else None
    if kind is None:
        # An error without a type that we know, inside a stream that began well, is the server's own trouble.
        by_class = "server_error" if status is None or status >= 500 else "invalid_request"
        kind = _KIND_OF_STATUS.get(status or 0, by_class)
    lowered = said.lower()
    if kind == "not_found" and re.search(r"\bmodel\b", lowered):
        return "unknown_model"
    if (error_type == "permission_error" or status == 403) and _NO_ACCESS_TO_MODEL.search(lowered):
        return "unknown_model"
    if kind != "invalid_request":
        return kind
    if any(phrase in lowered for phrase in _CONTEXT_PHRASES):
        return "context_too_long"
    if any(phrase in lowered for phrase in _BILLING_PHRASES):
        return "billing"
    return "unknown_model" if _NO_SUCH_MODEL.search(lowered) else kind


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the server asks us to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date).

    Args:
        headers: the response's headers, with names found in any letter case or in lower case.
        now: seconds since the epoch, for the date form; the clock's when None.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _number(text: str | None) -> float | None:
    """A non-negative finite number, or None."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def fault_of_exception(exc: Exception, *, reading: bool, usage: Json | None = None) -> ModelError:
    """The error that an exception of the SDK, httpx2 or aiohttp stands for.

    Args:
        exc: what was raised.
        reading: whether the reply's stream had begun.
        usage: tokens already reported for this attempt.
    """
    import anthropic
    import httpx2

    if isinstance(exc, ModelError):
        return exc
    if isinstance(exc, anthropic.APIStatusError):
        return _fault_of_status(exc, usage)
    # The SDK wraps what its transport raised; the cause says which.
    cause = exc.__cause__ if isinstance(exc, anthropic.APIConnectionError) and exc.__cause__ else exc
    detail = f"{type(cause).__name__}: {cause}"[:_LONGEST_MESSAGE].rstrip(": ")
    if isinstance(cause, httpx2.ReadTimeout) or (
        reading and isinstance(cause, (httpx2.TimeoutException, TimeoutError))
    ):
        return _unreachable("stalled", f"The model's server stopped sending ({detail})", usage)
    if not reading and _never_sent(cause):
        return _unreachable("connect_failed", f"The model's server cannot be reached ({detail})", usage)
    if isinstance(cause, (httpx2.TimeoutException, TimeoutError, anthropic.APITimeoutError)):
        return _unreachable("timeout", f"The model's server did not answer in time ({detail})", usage)
    if isinstance(cause, httpx2.DecodingError):
        return BrokenStream(f"The reply cannot be decoded ({detail})", kind="malformed", retryable=True, usage=usage)
    if isinstance(cause, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        return RequestRefused(f"The server's address cannot be used ({detail})", kind="bad_address")
    if isinstance(cause, (httpx2.TransportError, OSError, anthropic.APIConnectionError)):
        return _unreachable("reset", f"The connection to the model's server broke ({detail})", usage)
    if isinstance(cause, anthropic.AnthropicError) or "authentication method" in str(cause):
        return RequestRefused(f"No usable credential for the model's server ({detail})", kind="authentication")
    if reading:
        return BrokenStream(f"The reply cannot be read ({detail})", kind="malformed", retryable=True, usage=usage)
    if isinstance(cause, (TypeError, ValueError)):
        return RequestRefused(f"The request cannot be sent ({detail})", kind="invalid_request")
    return _unreachable("unexpected", f"The request failed in an unexpected way ({detail})", usage)


def _never_sent(cause: BaseException) -> bool:
    """Whether no connection came about, so that the request cannot have cost anything.

    The SDK's aiohttp transport reports a connection that broke under a sent request as a `ConnectError` too; what
    aiohttp itself had raised tells them apart.
    """
    import aiohttp
    import httpx2

    root = cause.__cause__
    broke = isinstance(root, aiohttp.ClientConnectionError)
    missed = isinstance(root, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    return isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)) and (missed or not broke)


def _unreachable(kind: str, message: str, usage: Json | None) -> Unreachable:
    return Unreachable(f"{message}.", kind=kind, retryable=True, usage=usage)


def _fault_of_status(exc: APIStatusError, usage: Json | None) -> ModelError:
    """An HTTP answer that is no success."""
    headers, status = exc.response.headers, exc.status_code
    if 300 <= status < 400:
        return RequestRefused(
            f"The model's server answered with a redirect (HTTP {status}) to {headers.get('location', 'nowhere')!r}. "
            "Redirects are not followed, because the whole prompt would be sent there: set ANTHROPIC_BASE_URL to the "
            "final address if you trust it.",
            kind="redirect",
            status=status,
        )
    said = headers.get("x-should-retry")
    return fault_of_body(
        exc.body,
        status=status,
        retry_after=retry_after_seconds(headers),
        should_retry={"true": True, "false": False}.get(said) if said else None,
        usage=usage,
    )
