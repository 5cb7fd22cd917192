"""Who may send a request, who may take a seat, and what a page may do.

A page of another site can make the user's browser call this viewer under that site's own name (DNS rebinding: the name
is made to resolve to 127.0.0.1). The browser then sends that name as the Host, so a name is answered only where it
belongs to this machine. An IP address as the Host proves that no name was involved.

Forms are accepted only at a person's seat (`SEAT`), and only from a page of this viewer: another site's page can send a
form to any address, but with neither this origin nor this process's token.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import parse_qs

from poise.common.errors import PoiseError

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

COOKIE: Final = "poise-viewer"
SEAT: Final = "/play"
"""The address of a person's seat, the only one that accepts forms."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Foreign(PoiseError):
    """A form that was not sent by a page of this viewer."""


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an IP address, is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The host in a Host header, without its port and brackets; "" where it makes no sense."""
    host, colon, port = header.rpartition(":") if not header.endswith("]") else (header, "", "")
    if colon and not (port.isascii() and port.isdigit()):
        return ""
    host = (host if colon else header).lower()
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


class Guard:
    """ASGI middleware: allows only reading, answers only known hosts, and sets headers on every response.

    names: host names that are answered besides loopback. anywhere: any IP address is answered, too. seated: whether
    there is a seat for a person. token: must be in the address once; the browser then keeps it in a cookie.
    """

    def __init__(
        self,
        app: App,
        names: Collection[str] = (),
        *,
        anywhere: bool = False,
        seated: bool = False,
        token: str | None = None,
    ) -> None:
        self._app = app
        self._token = token
        self._seated = seated
        self._names = {name.lower() for name in names}
        self._anywhere = anywhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on to the app."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_headers(scope["path"])]
            await send(message)

        at_a_seat = self._seated and _is_seat(scope["path"])
        if scope["method"] not in (("GET", "HEAD", "POST") if at_a_seat else ("GET", "HEAD")):
            await _refuse(with_headers, 405, "this viewer is read-only; it accepts GET and HEAD")
        elif not self._known(scope):
            await _refuse(with_headers, 421, "this host name is not the viewer's; open the address that it printed")
        elif self._token is not None and not self._kept(scope, self._token):
            await self._let_in(scope, with_headers, self._token)
        else:
            await self._app(scope, receive, with_headers)

    def _kept(self, scope: Scope, token: str) -> bool:
        """Whether a cookie of the request holds the token."""
        cookies = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        pairs = (one.strip().partition("=") for line in cookies for one in line.split(";"))
        return any(same_token(token, value) for name, _, value in pairs if name == COOKIE)

    async def _let_in(self, scope: Scope, send: Send, token: str) -> None:
        """Set a cookie for a request with the token, and redirect to the address without it."""
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not same_token(token, given):
            await _refuse(send, 403, "open the address that the viewer printed, with its token")
            return
        kept = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict".encode()
        headers = [(b"location", b"/"), (b"set-cookie", kept), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _known(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return False
        host = host_of(hosts[0])
        return is_loopback(host) or host in self._names or (self._anywhere and _is_address(host))


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a form was sent by a page of the requested host."""
    ours = headers.get("origin") == f"http://{headers.get('host', '')}"
    return ours and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def same_token(token: str, given: str) -> bool:
    """Whether `given` is this process's token, compared in constant time."""
    return compare_digest(token.encode(), given.encode("utf-8", "replace"))


def _is_seat(path: str) -> bool:
    return path == SEAT or path.startswith(f"{SEAT}/")


def _headers(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """A browser sends a form's origin only where the page's policy allows it; a seat's page allows it to itself."""
    if not _is_seat(path):
        return HEADERS
    return tuple((name, b"same-origin" if name == b"referrer-policy" else value) for name, value in HEADERS)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _refuse(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
