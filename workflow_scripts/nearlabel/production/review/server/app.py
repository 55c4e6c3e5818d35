"""The application: routes and what they answer."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from os import PathLike
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from nearlabel.production.review.connections import BusyDatabaseError, Database, MovedDatabaseError
from nearlabel.production.review.events import parse_cursor, read_cursor, read_events
from nearlabel.production.review.export import count_waiting, export_words
from nearlabel.production.review.filters import parse_filters, parse_id
from nearlabel.production.review.pictures import (
    GoneError,
    Registered,
    as_shown,
    decode_shown,
    find_registered,
    read_registered,
)
from nearlabel.production.review.rows import read_choices, read_image, read_page
from nearlabel.production.review.server.guard import Access, Guard
from nearlabel.production.review.server.page import Page, make_entrance, make_page
from nearlabel.production.review.server.requests import (
    read_body,
    read_name,
    read_naming,
    read_query,
    read_sha256,
    read_words,
)
from nearlabel.production.review.server.stream import MOST_STREAMS, Streams
from nearlabel.production.review.shown import ShownBundle
from nearlabel.production.review.words import name_event, record_words

logger = logging.getLogger(__name__)

_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}


class Review:
    """What the routes answer from.

    Parameters
    ----------
    database : Database
    access : Access
    labels, line : str or path-like
        Where exports go; see `nearlabel.production.review.export.export_words`.
    operator : str
        The name that the page suggests.
    shown : ShownBundle or None
        The bundle, where one is given; looked at again whenever the page is opened.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        labels: str | PathLike,
        line: str | PathLike,
        operator: str = "",
        shown: ShownBundle | None = None,
    ):
        self.database, self.labels, self.line = database, labels, line
        self.streams = Streams(database)
        self._operator, self._shown = operator, shown
        self._show()
        self._entrance = make_entrance()
        routes = Starlette(
            routes=[
                Route("/", self._send_page),
                Route("/enter", self._enter, methods=["POST"]),
                Route("/images", self._answer(self._images)),
                Route("/images/{sha256}", self._answer(self._image)),
                Route("/choices", self._answer(self._choices)),
                Route("/events", self._answer(self._events)),
                Route("/map", self._answer(self._map)),
                Route("/changes", self._listen),
                Route("/files/{sha256}", self._answer_file(self._file, 4)),
                Route("/thumbnails/{sha256}", self._answer(self._thumbnail)),
                Route("/novelty/{sha256}", self._answer_file(self._novelty, 1)),
                Route("/training/{bundle}/{row}", self._answer(self._training)),
                Route("/exports", self._answer(self._waiting)),
                Route("/words", self._words, methods=["POST"]),
                Route("/names", self._names, methods=["POST"]),
                Route("/exports", self._export, methods=["POST"]),
            ],
            exception_handlers={HTTPException: _say, BusyDatabaseError: _busy, Exception: _failed},
        )
        self.app = Guard(routes, access, database.identity)

    def _show(self) -> None:
        shown, facts = self._shown, {"database": self.database.identity, "name": self.database.path.name}
        self.training, self.maps = (shown.training, shown.maps) if shown else (None, None)
        self.always, self.scale = (self.training.always, self.training.scale) if shown else ((), None)
        bundle = self.training.describe() if shown else None
        self._page = make_page(facts | {"operator": self._operator, "bundle": bundle})

    def _follow(self) -> None:
        if self._shown and self._shown.follow():
            self._show()

    def _answer(self, read: Callable[[Request, sqlite3.Connection], Any]):
        """Make a route of a function that reads the database."""

        def answer(request: Request) -> Response:
            with self.database.reading() as connection:
                found = read(request, connection)
            return found if isinstance(found, Response) else JSONResponse(found)

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(answer, request)

        return endpoint

    def _answer_file(self, send: Callable[[Registered], Response], at_a_time: int):
        """Make a route of a function that sends something of an image's file, which may take memory and time."""
        limit = asyncio.Semaphore(at_a_time)

        def answer(request: Request) -> Response:
            with self.database.reading() as connection:
                image = find_registered(connection, sha256=read_sha256(request.path_params["sha256"]))
            if image is None:
                raise HTTPException(404, "There is no such image.")
            try:
                return send(image)
            except GoneError as error:
                raise HTTPException(410, f"{str(error).capitalize()}.") from error

        async def endpoint(request: Request) -> Response:
            # Whoever waits holds no thread, so that others are answered.
            async with limit:
                if await request.is_disconnected():
                    return Response(status_code=204)
                return await run_in_threadpool(answer, request)

        return endpoint

    async def _send_page(self, request: Request) -> Response:
        if self.app.is_let_in(request):
            await run_in_threadpool(self._follow)
        page: Page = self._page if self.app.is_let_in(request) else self._entrance
        return HTMLResponse(page.html, headers={"Content-Security-Policy": page.policy})

    async def _enter(self, request: Request) -> Response:
        return await self.app.enter(read_name(await read_body(request), "token"))

    def _images(self, request: Request, connection: sqlite3.Connection) -> dict:
        given = read_query(request)
        try:
            before = parse_id("before", given.pop("before")) if "before" in given else None
            filters = parse_filters(given, self.always)
        except ValueError as error:
            raise HTTPException(400, f"{error}.") from error
        cursor = read_cursor(connection)
        return read_page(connection, filters, before) | {"cursor": str(cursor)}

    def _image(self, request: Request, connection: sqlite3.Connection) -> dict:
        image = read_image(connection, read_sha256(request.path_params["sha256"]))
        if image is None:
            raise HTTPException(404, "There is no such image.")
        # Another bundle may be put in use meanwhile.
        training = self.training
        own = training is not None and training.bundle.sha256 == image["bundle_sha256"]
        image["place"] = training.place(image["place"]) if own else None
        image["shown"] = None if training is None else training.bundle.sha256
        if training is not None:
            image["neighbors"] = training.add_rows(image["neighbors"])
        return image

    def _choices(self, request: Request, connection: sqlite3.Connection) -> dict:
        return read_choices(connection)

    def _waiting(self, request: Request, connection: sqlite3.Connection) -> dict:
        return {"waiting": count_waiting(connection)}

    def _events(self, request: Request, connection: sqlite3.Connection) -> dict:
        given = read_query(request)
        try:
            before = {"before": parse_id("before", given.pop("before"))} if "before" in given else {}
        except ValueError as error:
            raise HTTPException(400, f"{error}.") from error
        if given:
            raise HTTPException(400, "A parameter is unknown.")
        return {"events": read_events(connection, **before)}

    def _map(self, request: Request, connection: sqlite3.Connection) -> dict:
        training = self.training
        if training is None:
            raise HTTPException(404, "There is no map without a bundle.")
        return training.map() | {"bundle": training.bundle.sha256}

    def _file(self, image: Registered) -> Response:
        content = read_registered(image)
        shown, kind = as_shown(content, image.mode, self.scale)
        # A picture that was made of the file may be another one with another bundle's scale.
        kept = _FOR_EVER if shown is content else {}
        return Response(shown, media_type=kind, headers=kept | {"Accept-Ranges": "none"})

    def _thumbnail(self, request: Request, connection: sqlite3.Connection) -> Response:
        row = connection.execute(
            "SELECT thumbnail FROM images WHERE sha256 = ?", (read_sha256(request.path_params["sha256"]),)
        ).fetchone()
        if row is None:
            raise HTTPException(404, "There is no such image.")
        return Response(row["thumbnail"], media_type="image/webp", headers=_FOR_EVER)

    def _novelty(self, image: Registered) -> Response:
        if self.maps is None:
            raise HTTPException(404, "There is no map of the novelty without a bundle.")
        picture = decode_shown(read_registered(image), self.scale)
        try:
            drawn = self.maps.map(image.sha256, picture)
        except (OSError, ValueError) as error:
            logger.warning("no map of %s: %s", image.path, error)
            raise HTTPException(410, "The bundle cannot measure this image; the terminal says why.") from error
        if drawn is None:
            raise HTTPException(404, "No single place makes this image novel.")
        return Response(drawn, media_type="image/png")

    def _training(self, request: Request, connection: sqlite3.Connection) -> Response:
        row, training = request.path_params["row"], self.training
        digits = row.isascii() and row.isdigit() and len(row) <= 9
        is_shown = training is not None and training.bundle.sha256 == request.path_params["bundle"]
        found = training.thumbnail(int(row)) if digits and is_shown else None
        if found is None:
            raise HTTPException(404, "There is no such training image.")
        return Response(found, media_type="image/webp", headers=_FOR_EVER)

    async def _listen(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if self.streams.open >= MOST_STREAMS:
            raise HTTPException(503, "Too many pages listen.", {"Retry-After": "30"})
        text = request.headers.get("last-event-id") or request.query_params.get("since", "")
        since = parse_cursor(text)
        if text and since is None:
            raise HTTPException(400, "This is not where a stream can begin.")
        # Where the database cannot be read, no stream begins.
        now = await run_in_threadpool(self.streams.now)
        return StreamingResponse(
            self.streams.listen(since or now, request.is_disconnected),
            media_type="text/event-stream",
            # A proxy would else keep messages back.
            headers={"X-Accel-Buffering": "no"},
        )

    async def _words(self, request: Request) -> Response:
        operator, words = read_words(await read_body(request))
        return JSONResponse({"results": await run_in_threadpool(record_words, self.database, operator, words)})

    async def _names(self, request: Request) -> Response:
        operator, event, label, number = read_naming(await read_body(request))
        results, reason = await run_in_threadpool(name_event, self.database, operator, event, label, number)
        if reason:
            raise HTTPException(404, f"{reason.capitalize()}.")
        return JSONResponse({"results": results})

    async def _export(self, request: Request) -> Response:
        if await read_body(request):
            raise HTTPException(400, "A field is unknown.")
        known_as = {} if self.training is None else {"known_as": self.training.image_id}
        try:
            done = await run_in_threadpool(export_words, self.database, self.labels, self.line, **known_as)
        except OSError as error:
            logger.warning("the export failed: %s", error)
            raise HTTPException(500, "The folder of labels cannot be written; the terminal says why.") from error
        for problem in done.problems:
            logger.warning("%s", problem)
        return JSONResponse(
            {"files": done.files, "rows": done.rows, "images": done.images, "left": len(done.problems)}
            | {"without_label": done.without_label}
        )


async def _say(request: Request, error: HTTPException) -> Response:
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def _busy(request: Request, error: Exception) -> Response:
    text = str(error) if isinstance(error, MovedDatabaseError) else "The database is busy; the page asks again."
    return PlainTextResponse(text, 503, {"Retry-After": "2"})


async def _failed(request: Request, error: Exception) -> Response:
    return PlainTextResponse("The server met an error; its terminal says which.", 500)
