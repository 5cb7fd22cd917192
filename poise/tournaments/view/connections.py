"""A time limit for the header of a request: a connection that sends only half of one is closed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS: Final = 15.0


class LimitedProtocol(H11Protocol):
    """Closes a connection on which no request has begun or ended for `HEADER_SECONDS`; a response may take longer."""

    _begun: Any = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as H11Protocol has it
        """Start the clock."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEADER_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        answering = bool(self.cycle) and not self.cycle.response_complete
        if self.cycle is self._begun and not answering:
            self.transport.close()
            return
        self._begun = self.cycle
        self._timer = self.loop.call_later(HEADER_SECONDS, self._look)
