"""Services the tests run themselves: a parrot in Gemini's place, and what gives out tokens for a service account."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Rule
from actors.model.parrot.server import Parrot

RETIRED = "gemini-that-was"


@contextlib.contextmanager
def parrot(*, key: str, bearer: str = "", rules: Iterable[Rule] = (), **options: Any) -> Iterator[Parrot]:
    """A parrot in a thread of this process, so that what it saw can be asked."""
    loop = asyncio.new_event_loop()
    chosen = ParrotOptions(**{"voice": "tones", "audio_speed": 0, "missing_models": (RETIRED,), **options})
    server = Parrot(chosen, key=key, bearer=bearer, rules=rules)
    server.loop = loop  # type: ignore[attr-defined]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def token_server(token: str) -> Iterator[str]:
    """What `token_uri` of a service account points to; gives its URL. An empty token is a refusal."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            refused = {"error": "invalid_grant", "error_description": "account not found"}
            granted = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
            self.send_response(200 if token else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(granted if token else refused).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def service_account(path: Path, token_uri: str) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "robot@a-project.example",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(account))
    return path
