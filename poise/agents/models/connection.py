"""Why a connection to a server fails: proxies, names, TLS, addresses and keys.

Each reason names the variable at fault, and never a key or the login of an address.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from poise.common.errors import AgentError

_FROM_PROXY: Final = (403, 407, 502, 503, 504)  # statuses that proxies themselves answer
_WITHOUT_SERVER: Final = frozenset(
    {"ProxyError", "ConnectError", "ConnectTimeout", "APIConnectionError", "ConnectionError"}
)


def reason_of(error: BaseException, address: str, variable: str) -> tuple[str, bool] | None:
    """Why the connection to `address` failed, and whether a retry can help; None where the connection is not at fault.

    variable: of the environment, that names the address.
    """
    chain = list(_chain(error))
    said = " ".join(str(one) for one in chain).lower()
    kinds = {base.__name__ for one in chain for base in type(one).__mro__}
    host, place = urlsplit(address).hostname or address, without_login(address)
    proxy = proxy_between(address)
    if "ImportError" in kinds and "socks" in said:
        named = f"{proxy or 'a variable'} names a SOCKS proxy, which needs a package: pip install 'httpx[socks]'"
        return f"{named}{_around(host)}", False
    if "ssl" in said or "SSLError" in kinds:
        return f"no TLS connection to {place}: {_tls(said, variable)}", False
    status = getattr(error, "status_code", None)
    if proxy and (status in _FROM_PROXY or kinds & _WITHOUT_SERVER):
        answer = f"answers {status}" if status else "cannot be reached, or does not reach it"
        return f"a proxy stands between here and {place}: {proxy} {answer}{_around(host)}", status not in (403, 407)
    if "gaierror" in kinds:
        return f"no host is called {host!r} here; check the address{f' in {variable}' if variable else ''}", True
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _around(host: str) -> str:
    return f"; NO_PROXY={host} goes around it"


def _tls(said: str, variable: str) -> str:
    where = f" in {variable}" if variable else ""
    if "wrong_version_number" in said or "record layer" in said:
        return f"the server does not speak it; write http:// and not https://{where}"
    if "certificate" in said:
        return (
            "its certificate is not trusted here; SSL_CERT_FILE names the file of the authority that issued it, and "
            f"the host's name{where} has to be the certificate's"
        )
    return f"{said[:160]}; check https://{where}"


def proxy_between(address: str) -> str:
    """The variable and the address of the proxy through which `address` is asked; "" where there is none."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return ""
    proxies = getproxies()
    for kind in (parts.scheme, "all"):
        if kind in proxies:
            name = next((name for name in os.environ if name.lower() == f"{kind}_proxy"), f"{kind}_proxy")
            return f"{name} ({without_login(proxies[kind])})"
    return ""


def without_login(address: str) -> str:
    """An address without its login, as it may be shown."""
    scheme, mark, rest = address.rpartition("://")
    return scheme + mark + rest.rpartition("@")[2]


def checked_address(address: str, variable: str) -> str:
    """`address`; AgentError naming `variable` unless it is a URL of a server."""
    parts = urlsplit(address)
    try:
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or any(letter.isspace() for letter in address):
        raise AgentError(f"{variable} {without_login(address)!r} is not an address; write http://HOST:PORT/v1")
    return address


def checked_key(key: str, variable: str) -> str:
    """`key`; AgentError naming `variable`, and not the key, where it holds characters that no key can have."""
    if any(letter.isspace() or not letter.isascii() or not letter.isprintable() for letter in key):
        raise AgentError(
            f"{variable} holds a blank, a line end or a character that no key has; set it again without (a file that "
            "is read into a variable often ends with a line end)"
        )
    return key
