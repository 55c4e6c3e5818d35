"""Who may ask: the name that the page is asked by, pages of other sites, the token; and headers on every answer."""

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MARK = "x-nearlabel"
"""A header that the page sends with every request: a page of another site cannot, without asking first.

Every answer has it too, so that the page knows it from what a proxy says.
"""

DATABASE = "x-nearlabel-database"
"""A header of the page's requests: the identity of the database that the page shows."""

LEAST_TOKEN = 16
"""Characters of a token."""

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
_LONGEST_TARGET = 2048
_WRONG_TOKEN_SECONDS = 1.0
_COOKIE_DAYS = 30

HEADERS = {
    MARK: "1",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every answer."""

NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy of every answer that is no page."""


class Access(NamedTuple):
    """Who may ask.

    Attributes
    ----------
    loopback : bool
        The server can only be reached from its own machine.
    names : frozenset of str
        Host names, lower case, that the page may be asked by, besides IP addresses.
    token : str
        Empty: none is asked for.
    cookie : str
        Name of the cookie.
    tls : bool
    """

    loopback: bool
    names: frozenset[str]
    token: str
    cookie: str
    tls: bool

    @property
    def session(self) -> str:
        """What the cookie holds: it follows from the token, so that tablets stay let in when the server restarts."""
        return hmac.new(self.token.encode(), b"nearlabel review", hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Return whether a server that listens there is reached from its own machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def grant_access(host: str, port: int, names: Iterable[str] = (), token: str = "", tls: bool = False) -> Access:
    """Put together who may ask a server that listens at `host`."""
    loopback = is_loopback(host)
    known = {"localhost", *(name.lower() for name in names)}
    if not loopback:
        known |= {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return Access(loopback, frozenset(known), token, f"nearlabel_review_{port}", tls)


def read_token(file: str | PathLike | None) -> tuple[str, bool]:
    """Read the token from a file, or draw one; the second result says whether it was drawn.

    Raises
    ------
    OSError, ValueError
        There is no such file, or what it holds is too short.
    """
    if file is None:
        return secrets.token_urlsafe(24), True
    token = Path(file).read_text(encoding="utf-8").strip()
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable():
        raise ValueError(f"{file}: a token has at least {LEAST_TOKEN} characters, ASCII, on one line")
    return token, False


class Guard:
    """Answers in place of the application what must not reach it.

    Parameters
    ----------
    app : ASGIApp
    access : Access
    database : str
        Identity of the database that is shown: a page that was opened on another one is told so.
    """

    def __init__(self, app: ASGIApp, access: Access, database: str):
        self.app, self.access, self._database = app, access, database
        self._refusing = asyncio.Semaphore(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", NOTHING)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refuse(scope)
        await (refusal or self.app)(scope, receive, send_guarded)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        target = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if target > _LONGEST_TARGET:
            return PlainTextResponse("The address is too long.", 414)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_named(hosts[0]):
            return PlainTextResponse("This page is not to be had under this name; see --name.", 421)
        site = headers.get("sec-fetch-site")
        if scope["method"] not in ("GET", "HEAD"):
            origins = headers.getlist("origin")
            if any(not self._is_own(origin, hosts[0]) for origin in origins) or site not in (None, "same-origin"):
                return PlainTextResponse("This request came from another page.", 403)
            if headers.get(MARK) != "1":
                return PlainTextResponse("This request did not come from the page.", 403)
        elif site in ("cross-site", "same-site") and scope["path"] != "/":
            return PlainTextResponse("This request came from another page.", 403)
        if self.access.token and scope["path"] not in ("/", "/enter") and not self.is_let_in(HTTPConnection(scope)):
            return PlainTextResponse("This page asks for a token.", 401)
        # A stream of events is asked for without headers.
        database = headers.get(DATABASE) or QueryParams(scope.get("query_string", b"")).get("database")
        is_sent = scope["method"] == "POST" and scope["path"] != "/enter"
        if database != self._database and (is_sent or database is not None):
            return PlainTextResponse("Another database is shown here now: load this page anew.", 409)
        return None

    def is_let_in(self, connection: HTTPConnection) -> bool:
        """Return whether a request comes from a browser that has given the token."""
        given = connection.cookies.get(self.access.cookie, "")
        return not self.access.token or hmac.compare_digest(given.encode(), self.access.session.encode())

    async def enter(self, token: str) -> Response:
        """Let a browser in that gives the right token."""
        if not self.access.token:
            return PlainTextResponse("No token is asked for.", 403)
        if not hmac.compare_digest(token.encode(), self.access.token.encode()):
            # Few at a time, and slowly.
            async with self._refusing:
                await asyncio.sleep(_WRONG_TOKEN_SECONDS)
            return PlainTextResponse("This is not the token.", 403)
        response = Response(status_code=204)
        response.set_cookie(
            self.access.cookie,
            self.access.session,
            max_age=_COOKIE_DAYS * 86400,
            httponly=True,
            samesite="strict",
            secure=self.access.tls,
        )
        return response

    def _is_named(self, host: str) -> bool:
        name = _without_port(host)
        if name is None:
            return False
        if self.access.loopback:
            # Behind a tunnel the port is another one.
            return name in _LOOPBACK or name in self.access.names
        return name in self.access.names or _is_address(name)

    def _is_own(self, origin: str, host: str) -> bool:
        return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


def _without_port(host: str) -> str | None:
    """Return the name of a Host header, lower case; None where it is none."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host.lower(), "80"
    if not (port.isascii() and port.isdigit() and len(port) <= 5) or not name:
        return None
    return name


def _is_address(name: str) -> bool:
    """A name can be made to lead to any machine by its owner; an address cannot."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
