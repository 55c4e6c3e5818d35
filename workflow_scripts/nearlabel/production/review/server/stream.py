"""Changes as they come, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from nearlabel.production.review.connections import BusyDatabaseError, Database
from nearlabel.production.review.events import Cursor, read_changes, read_cursor

MOST_STREAMS = 50
"""Browsers that listen at a time."""

POLL_SECONDS, SILENCE_SECONDS = 0.5, 15.0


class Streams:
    """The open streams of a server.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database):
        self._database = database
        self.open = 0
        self.ended = False

    def now(self) -> Cursor:
        """Return where a stream of what comes from now on begins.

        Raises
        ------
        BusyDatabaseError
        """
        return self._read(read_cursor)

    async def listen(self, since: Cursor, is_gone: Callable[[], Any]) -> AsyncIterator[str]:
        """Yield messages until the browser is gone, the server ends or the database cannot be read.

        Each has the cursor as its id, so that a browser that comes back says how far it has heard.

        Parameters
        ----------
        since : Cursor
        is_gone : callable
            Awaited: whether the browser has hung up.
        """
        self.open += 1
        try:
            cursor = since
            yield f"retry: 2000\nid: {cursor}\nevent: ready\ndata: {{}}\n\n"
            silent = 0.0
            while not self.ended and not await is_gone():
                try:
                    cursor, changes = await run_in_threadpool(self._read, read_changes, cursor)
                except BusyDatabaseError:
                    # The browser asks again, and is answered why there is no stream.
                    return
                if changes:
                    yield f"id: {cursor}\nevent: changes\ndata: {json.dumps(changes)}\n\n"
                    silent = 0.0
                elif silent >= SILENCE_SECONDS:
                    # Else nobody would notice a connection that is no more.
                    yield ": still here\n\n"
                    silent = 0.0
                await asyncio.sleep(POLL_SECONDS)
                silent += POLL_SECONDS
        finally:
            self.open -= 1

    def _read(self, reader: Callable, *arguments) -> Any:
        with self._database.reading() as connection:
            return reader(connection, *arguments)
