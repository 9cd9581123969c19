"""Where a server is, and how to get there. It opens no connection."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import UsageError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a server.

    Attributes:
        url: What stands in front of `/v1`, without user and password, so that messages may show it.
        credentials: The user and password of the address as an Authorization header; None where it has none.
    """

    url: str
    credentials: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> ServerAddress:
        """Reads an address, with or without `http://` and `/v1`.

        Raises:
            UsageError: It is no address of a server.

        >>> ServerAddress.parse("localhost:8000/v1/").url
        'http://localhost:8000'
        >>> ServerAddress.parse("https://me:secret@host/v1")
        ServerAddress(url='https://host')
        """
        full = text.strip() if "://" in text else f"http://{text.strip()}"
        if not _is_address(full):
            raise UsageError(
                f"{text!r} is no server's address: give one such as http://127.0.0.1:8000/v1"
            )
        user, at, _ = urlsplit(full).netloc.rpartition("@")
        root = full.replace(user + at, "", 1)
        return cls(
            root.rstrip("/").removesuffix("/v1").rstrip("/"),
            f"Basic {b64encode(unquote(user).encode()).decode()}" if at else None,
        )

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        host = self._parts.hostname or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")
        # What a server listens on, its user connects to: the system takes 0.0.0.0 as this machine.
        return address.is_loopback or address.is_unspecified

    @property
    def is_encrypted(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self._parts.scheme == "https"

    @property
    def proxy(self) -> str | None:
        """The proxy that the environment has for it; one for the internet cannot reach a server on this machine.

        Raises:
            UsageError: It is no HTTP proxy.
        """
        proxies = getproxies()
        found = proxies.get(self._parts.scheme) or proxies.get("all")
        if not found or self.is_loopback or self._is_direct:
            return None
        scheme, has_scheme, _ = found.partition("://")
        if not has_scheme:
            return f"http://{found}"
        if scheme.lower() not in _PORTS:
            raise UsageError(
                f"the environment asks for a proxy over {scheme}, and only HTTP proxies can be used: "
                f"unset it, or pass client=httpx.AsyncClient(proxy=...)"
            )
        return found

    @property
    def _is_direct(self) -> bool:
        """Whether `no_proxy` names it, with its port or without."""
        host = self._parts.hostname or ""
        port = self._parts.port or _PORTS[self._parts.scheme]
        return bool(proxy_bypass(host) or proxy_bypass(f"{host}:{port}"))

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)


def _is_address(full: str) -> bool:
    try:
        parts = urlsplit(full)
        _ = parts.port
        # Names with a label that is empty or too long, which only the lookup would refuse.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    spaces = any(character.isspace() for character in full)
    return parts.scheme in _PORTS and bool(parts.hostname) and not spaces
