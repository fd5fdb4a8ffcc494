"""Who is asking, what a browser may do with the answer, and texts that are safe to store."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.leaderboard.pages import CONTENT_SECURITY_POLICY

# The policy lets scripts and styles come from our own files alone: nothing a team writes becomes code.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
A_YEAR = 365 * 24 * 3600
FILE_NAME_LIMIT = 100

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SecurityHeaders:
    """Puts `HEADERS` on every answer, and the promise of TLS on those that came through TLS."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        tls = self._proxies.scheme(scope) == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if tls:
                    headers["Strict-Transport-Security"] = f"max-age={A_YEAR}"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Proxies:
    """The reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.

    Raises:
        ValueError: one of `trusted` is neither an address nor a network such as 10.0.0.0/8.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks: list[Network] = []
        for one in trusted:
            try:
                self._networks.append(ipaddress.ip_network(one.strip(), strict=False))
            except ValueError:
                raise ValueError(
                    f"{one!r} is neither an address nor a network; write it like 127.0.0.1 or 10.0.0.0/8"
                ) from None

    def address(self, scope: Scope) -> str:
        """The client's address: of the chain that a request came along, the last that is no proxy of ours.

        What stands before it was written by the client, who may write anything there.
        """
        peer = _peer(scope)
        chain = [*_listed(Headers(scope=scope), "x-forwarded-for"), peer]
        while len(chain) > 1 and self._trusts(chain[-1]):
            chain.pop()
        return _normal(chain[-1]) or _normal(peer) or "unknown"

    def scheme(self, scope: Scope) -> str:
        if self._trusts(_peer(scope)):
            forwarded = _listed(Headers(scope=scope), "x-forwarded-proto")
            if forwarded:
                return forwarded[-1].lower()
        return str(scope.get("scheme", "http"))

    def _trusts(self, address: str) -> bool:
        normal = _normal(address)
        if not normal:
            return False
        found = ipaddress.ip_address(normal)
        return any(found in network for network in self._networks)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _listed(headers: Headers, name: str) -> list[str]:
    return [part.strip() for value in headers.getlist(name) for part in value.split(",") if part.strip()]


def _normal(address: str) -> str:
    """An address as it is written everywhere, or "" where it is none. IPv4 in IPv6's clothes is IPv4."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(found)


def neighbourhood(address: str) -> str:
    """What one client can choose from freely: an IPv4 address, but a whole /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def bearer(headers: Headers) -> str | None:
    """The token of an Authorization header, or None where there is none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def clean_file_name(text: str) -> str:
    """The last part of a path as a client calls it, with everything invisible replaced; never longer than
    `FILE_NAME_LIMIT`."""
    last = text.replace("\\", "/").rpartition("/")[2]
    ending = last[last.rfind(".") :][:8] if "." in last else ""
    shown = last if len(last) <= FILE_NAME_LIMIT else last[: FILE_NAME_LIMIT - len(ending) - 1] + "…" + ending
    return "".join(character if _visible(character) else "_" for character in shown)


def _visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"
