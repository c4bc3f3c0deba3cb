"""One TLS handshake with the model's endpoint, straight or through a proxy, told apart by what goes wrong."""

import email.utils
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

WITHIN_S = 8.0
MAX_HEAD_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Way:
    """How the endpoint is reached."""

    host: str
    port: int
    proxy: tuple[str, int] | None
    ca_file: str

    def __str__(self) -> str:
        through = f" through the proxy {self.proxy[0]}:{self.proxy[1]}" if self.proxy else ""
        return f"{self.host}:{self.port}{through}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the handshake showed. `skew_s`: how far our clock is ahead, None when the server told no time."""

    tls: str
    took_ms: float
    skew_s: float | None


class UnreachableError(Exception):
    """The endpoint cannot be reached; says at which step, and `remedy` what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def proxy_for(host: str, environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the proxy that the session would use, by the usual variables."""
    spared = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name.strip().lstrip(".") for name in spared.split(",") if name.strip()]
    if any(name in {"*", host} or host.endswith(f".{name}") for name in names):
        return None
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if value := environment.get(variable):
            url = urlsplit(value if "//" in value else f"//{value}")
            return url.hostname or value, url.port or _default_port(url)
    return None


def shake_hands(way: Way) -> Answer:
    """Connect, check the certificate, ask for nothing but the date. Raises `UnreachableError`."""
    began = time.monotonic()
    with _connected(way) as plain:
        try:
            context = ssl.create_default_context(cafile=way.ca_file or None)
            with context.wrap_socket(plain, server_hostname=way.host) as secure:
                tls, took_ms = secure.version() or "TLS", (time.monotonic() - began) * 1000
                return Answer(tls, took_ms, _skew_s(secure, way.host))
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(
                f"the certificate of {way} is refused: {error.verify_message}",
                "if the date of this machine is right, something on the way opens TLS: "
                "put its authority into model.ca_file or SSL_CERT_FILE",
            ) from error
        except (ssl.SSLError, OSError) as error:
            raise UnreachableError(
                f"{way} does not speak TLS: {error}", "correct model.base_url, or ask for the proxy"
            ) from error


def _connected(way: Way) -> socket.socket:
    host, port = way.proxy or (way.host, way.port)
    try:
        plain = socket.create_connection((host, port), WITHIN_S)
    except socket.gaierror as error:
        remedy = "look at the network connection and /etc/resolv.conf"
        raise UnreachableError(f"the name {host} is not found ({error.strerror})", remedy) from error
    except OSError as error:
        remedy = "a firewall may be in the way; if a proxy is needed, export HTTPS_PROXY"
        raise UnreachableError(f"no connection to {host}:{port}: {error}", remedy) from error
    plain.settimeout(WITHIN_S)
    if way.proxy:
        _ask_proxy(plain, way)
    return plain


def _ask_proxy(plain: socket.socket, way: Way) -> None:
    target = f"{way.host}:{way.port}"
    try:
        plain.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        status = _head(plain).partition("\r\n")[0]
    except OSError as error:
        status = str(error)
    if " 200" not in status:
        plain.close()
        raise UnreachableError(
            f"the proxy does not connect to {target}: {status or 'no answer'}", "ask whoever runs it"
        )


def _skew_s(secure: ssl.SSLSocket, host: str) -> float | None:
    try:
        secure.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        for line in _head(secure).split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "date":
                return time.time() - email.utils.parsedate_to_datetime(value.strip()).timestamp()
    except (OSError, ValueError):
        pass  # the handshake is what counts
    return None


def _head(connection: socket.socket) -> str:
    got = b""
    while b"\r\n\r\n" not in got and len(got) < MAX_HEAD_BYTES:
        more = connection.recv(4096)
        if not more:
            break
        got += more
    return got.decode("latin-1")


def _default_port(url: SplitResult) -> int:
    return 443 if url.scheme == "https" else 1080 if url.scheme.startswith("socks") else 80
