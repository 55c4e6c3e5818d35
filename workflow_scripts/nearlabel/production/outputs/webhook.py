"""A webhook: each label and event is posted as JSON, at least once."""

import base64
import http.client
import json
import os
import re
import string
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from nearlabel.production.outputs.sending import REPORT_S, Cursor, RefusedError, key_of

TIMEOUT_S = 10.0
"""Seconds without a word from the other side, after which it is tried again."""

TOKEN = "NEARLABEL_WEBHOOK_TOKEN"
"""Environment variable: sent as ``Authorization: Bearer``."""

# Answers that are no word on the message: on who asks, on the address, or on the moment.
_NOT_OF_THE_MESSAGE = {401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 426, 429, 431, 451}


class Webhook:
    """Posts one message at a time; what is not answered with 2xx is posted again, unless the message itself is refused.

    Parameters
    ----------
    url : str
        http or https; ``user:password@`` is sent as basic authorisation.
    timeout : float
        As `TIMEOUT_S`.

    Raises
    ------
    ValueError
        When it is no such URL, or the token is none.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_S):
        try:
            parts = urlsplit(url.strip())
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except ValueError:
            # What cannot be read may be a password, so it is not repeated.
            raise ValueError(
                "--webhook is no URL: its host or port cannot be read; in a password write / as %2F."
            ) from None
        if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:%-]+", host, re.ASCII):
            raise ValueError("--webhook must be like https://host/path.")
        place = f"[{host}]" if ":" in host else host
        place += f":{port}" if port else ""
        path, query = _quote(parts.path), _quote(parts.query)
        self._url = f"{parts.scheme}://{place}{path or '/'}" + (f"?{query}" if query else "")
        self.name = f"webhook {parts.scheme}://{place}{path}"
        self.key = key_of("webhook", self._url)
        self._headers = {"Content-Type": "application/json", "User-Agent": "nearlabel"}
        if token := _read_token():
            self._headers["Authorization"] = f"Bearer {token}"
        elif parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode("utf-8", "surrogateescape")
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def begin(self, cursor: Cursor | None, newest: Cursor, ours: Callable[[dict[str, Any]], bool]) -> Cursor:
        """Go on where it ended; a new one begins with what comes from now on."""
        return cursor or newest

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Post messages until one fails; its error is raised if it is the first."""
        began = time.monotonic()
        for number, message in enumerate(messages):
            if number and time.monotonic() - began >= REPORT_S:
                return number
            content = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
            request = urllib.request.Request(self._url, content, self._headers, method="POST")
            try:
                with self._opener.open(request, timeout=self._timeout):
                    pass
            except urllib.error.HTTPError as error:
                error.close()
                if number:
                    return number
                refused = 400 <= error.code < 500 and error.code not in _NOT_OF_THE_MESSAGE
                raise (RefusedError if refused else OSError)(f"answered {error.code}") from None
            except (OSError, http.client.HTTPException) as error:
                if number:
                    return number
                raise OSError(str(error) or type(error).__name__) from error
        return len(messages)

    def close(self) -> None:
        """Nothing is held."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET: it counts as failed."""

    def redirect_request(self, *_):
        return None


def _quote(text: str) -> str:
    """As a browser asks for what people write: a space, and what is not ASCII, by its bytes."""
    return quote(text.encode("utf-8", "surrogateescape"), safe=string.punctuation)


def _read_token() -> str:
    # A file of a secret often ends with a line end.
    token = os.environ.get(TOKEN, "").strip()
    if not all("!" <= letter <= "~" for letter in token):
        raise ValueError(
            f"{TOKEN} holds a space, a line end or a letter that is not ASCII, which no token has; set it to the token "
            "alone."
        )
    return token
