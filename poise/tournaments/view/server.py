"""The server. It opens the socket first, so that the address works at once, and then loads the rest."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poise.common.errors import BadInput
from poise.common.files import near_file

_BACKLOG: Final = 128
_REST: Final = 1.0  # seconds left to the first page, before later pages' modules are loaded


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where to serve. port: 0 for a free one. anywhere: whether `host` may be one that others can reach.

    token: admit only who opens the printed address, for a machine with other users.
    """

    host: str = "127.0.0.1"
    port: int = 0
    anywhere: bool = False
    token: bool = False


def serve(
    folders: list[Path],
    place: ServerAddress,
    *,
    browse: bool | None,
    tell: Callable[[str], None],
    across: Sequence[str] = (),
) -> None:
    """Serve until Ctrl-C. `tell` receives each line for the user; browse: open a browser (None: on a desktop).

    across: the user's own agents that can be opponents, as `poise play` takes them.

    Raises:
        BadInput: a host beyond this machine without `anywhere`, or with `across`; an address that is not available.
        AgentError: one of `across` cannot be found.
    """
    for folder in folders:  # their contents are read once the address is open
        if not any(any(folder.glob(pattern)) for pattern in ("*.sqlite", "*/*.sqlite")):
            raise BadInput(f"there is no tournament in {folder}; {near_file(folder)}see `poise tournament run --help`")
    local = _check_host(place)
    _check_across(across, local=local)
    listening = _listen(place)
    token = secrets.token_urlsafe() if place.token else None
    address = f"http://{_as_written(place.host)}:{listening.getsockname()[1]}/{f'?token={token}' if token else ''}"
    tell(f"viewer: {address}  (stop it with Ctrl-C)")
    if not local:
        tell(
            "warning: anybody who can reach this machine can read these tournaments; "
            f"{'they need the address above' if token else 'there is no password'}. "
            "Without --host they are shown on this machine only."
        )
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if browse if browse is not None else has_display and sys.stdout.isatty():
        _open(address)
    with closing(listening):
        _run(folders, listening, [] if local else [place.host, socket.gethostname()], across, token)


def _check_host(place: ServerAddress) -> bool:
    """Whether the host is this machine alone."""
    from poise.tournaments.view.guard import is_loopback

    local = is_loopback(place.host)
    if not local and not place.anywhere:
        raise BadInput(
            f"--host {place.host} would show these tournaments to anybody who can reach this machine; leave it out "
            "to show them on this machine only, or add --anyone-may-read"
        )
    return local


def _check_across(across: Sequence[str], *, local: bool) -> None:
    """Check that the named agents can be opponents; without any, nothing is loaded."""
    if across and not local:
        raise BadInput(
            "--across needs a seat for you, and there is none where others can reach the viewer; leave --host out"
        )
    if across:
        from poise.tournaments.view.invitation import opponents

        opponents(tuple(across))


def _listen(place: ServerAddress) -> socket.socket:
    host, port = place.host, place.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadInput(f"--host {host} is not an address of this machine ({error.strerror}); try 127.0.0.1") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise BadInput(
            f"{_as_written(host)}:{port} is not available ({error.strerror}); leave --port out for a free one"
        ) from None
    return listening


def _as_written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _open(address: str) -> None:
    """Open the browser in a thread, since it may be slow to start."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _run(
    folders: list[Path], listening: socket.socket, names: list[str], across: Sequence[str], token: str | None
) -> None:
    import threading

    import uvicorn

    from poise.tournaments.view.app import make_app
    from poise.tournaments.view.connections import LimitedProtocol

    config = uvicorn.Config(
        make_app(folders, names, anywhere=bool(names), across=across, token=token),
        http=LimitedProtocol,
        log_config=None,  # uvicorn's own configuration would close the handlers of the calling program
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    warm = threading.Timer(_REST, _warm_up)
    warm.daemon = True
    warm.start()
    with suppress(KeyboardInterrupt):  # Ctrl-C is the usual way to stop
        uvicorn.Server(config).run(sockets=[listening])


def _warm_up() -> None:
    """Load what the first pages need, while the reader looks at the address."""
    from poise.tournaments.charts.turn_graph import match_graph
    from poise.tournaments.view import compare, overview, replay, seat  # noqa: F401 - loaded for later

    match_graph()
