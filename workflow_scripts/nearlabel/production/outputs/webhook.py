"""A webhook: each label and event is posted as JSON, at least once."""

import base64
import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from nearlabel.production.outputs.sending import Cursor, key_of

TIMEOUT_S = 10.0
"""Seconds without a word from the other side, after which it is tried again."""

TOKEN = "NEARLABEL_WEBHOOK_TOKEN"
"""Environment variable: sent as ``Authorization: Bearer``."""


class Webhook:
    """Posts one message at a time; what is not answered with 2xx is posted again.

    Parameters
    ----------
    url : str
        http or https; ``user:password@`` is sent as basic authorisation.
    timeout : float
        As `TIMEOUT_S`.

    Raises
    ------
    ValueError
        When it is no such URL.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_S):
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"--webhook is no URL: {error}.") from error
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("--webhook must be like https://host/path.")
        place = f"[{host}]" if ":" in host else host
        place += f":{port}" if port else ""
        self._url = f"{parts.scheme}://{place}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        self.name = f"webhook {parts.scheme}://{place}{parts.path}"
        self.key = key_of("webhook", self._url)
        self._headers = {"Content-Type": "application/json", "User-Agent": "nearlabel"}
        if token := os.environ.get(TOKEN):
            self._headers["Authorization"] = f"Bearer {token}"
        elif parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def begin(self, cursor: Cursor | None, newest: Cursor) -> Cursor:
        """Go on where it ended; a new one begins with what comes from now on."""
        return cursor or newest

    def send(self, messages: Sequence[dict[str, Any]]) -> int:
        """Post messages until one fails; its error is raised if it is the first."""
        for number, message in enumerate(messages):
            content = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
            request = urllib.request.Request(self._url, content, self._headers, method="POST")
            try:
                with self._opener.open(request, timeout=self._timeout):
                    pass
            except urllib.error.HTTPError as error:
                error.close()
                if not number:
                    raise OSError(f"answered {error.code}") from None
                return number
            except (OSError, http.client.HTTPException) as error:
                if not number:
                    raise OSError(str(error) or type(error).__name__) from error
                return number
        return len(messages)

    def close(self) -> None:
        """Nothing is held."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET: it counts as failed."""

    def redirect_request(self, *_):
        return None
