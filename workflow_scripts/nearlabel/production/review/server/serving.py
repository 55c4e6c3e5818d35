"""The server: uvicorn, impatient with whoever sends slowly."""

import asyncio
import logging
from os import PathLike

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from nearlabel.production.review.server.app import Review

logger = logging.getLogger(__name__)

HEAD_SECONDS = 10
"""How long the head of a request may take; uvicorn itself would wait without end once it has begun."""

_LONGEST_HEAD, _MOST_CONNECTIONS, _IDLE_SECONDS, _END_SECONDS = 16 * 1024, 200, 20, 3


class ImpatientProtocol(H11Protocol):
    """Hangs up on a connection whose first request, or one that has begun, does not come in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self.timeout_head = self.loop.call_later(HEAD_SECONDS, self._give_up, self.cycle)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        before = self.cycle
        super().data_received(data)
        # A further head has begun; uvicorn's own clock for a quiet connection has stopped.
        if before is self.cycle and before is not None and before.response_complete and self.timeout_head.cancelled():
            self.timeout_head = self.loop.call_later(HEAD_SECONDS, self._give_up, before)
        elif before is not self.cycle:
            self.timeout_head.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.timeout_head.cancel()
        super().connection_lost(exc)

    def _give_up(self, before) -> None:
        if self.cycle is before and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Ends the streams of changes when it is told to end, which would otherwise hold it.

    Parameters
    ----------
    review : Review
    host : str
    port : int
        0: a free one.
    certificate, key : str or path-like, optional
        Of TLS.
    """

    def __init__(
        self,
        review: Review,
        host: str,
        port: int,
        certificate: str | PathLike | None = None,
        key: str | PathLike | None = None,
    ):
        super().__init__(
            uvicorn.Config(
                review.app,
                host=host,
                port=port,
                http=ImpatientProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                # A header could else say that a request came from here.
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_END_SECONDS,
                h11_max_incomplete_event_size=_LONGEST_HEAD,
                ssl_certfile=None if certificate is None else str(certificate),
                ssl_keyfile=None if key is None else str(key),
            )
        )
        self.review = review

    async def shutdown(self, sockets=None) -> None:
        """See uvicorn."""
        self.review.streams.ended = True
        await super().shutdown(sockets)
