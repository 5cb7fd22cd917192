"""A stand-in for an Ollama server on the loopback, and exchanges of the shape that Ollama's have.

It answers each request with the next of its answers (the last one again and again) and keeps what it was asked.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from helpers.paths import SHARED

RECORDED = SHARED / "ollama" / "exchanges.json"

MODEL = "tiny:1b"
HANGS = 3600.0
QUESTION = [("system", "You are a creditor."), ("user", "I need 71 days.")]


@dataclass(frozen=True)
class Answer:
    """What the server sends: a status and lines, with a pause before each; `broken` ends before all is sent.

    pause: seconds; HANGS for as long as the test lasts.
    """

    lines: Sequence[Any] = ()
    status: int = 200
    pause: float = 0.0
    broken: bool = False
    content_type: str = "application/x-ndjson"

    def chunks(self) -> list[bytes]:
        return [(line if isinstance(line, str) else json.dumps(line)).encode() + b"\n" for line in self.lines]


def said(text: str, reason: str = "stop", **more: Any) -> dict[str, Any]:
    """The last line of a chat, with counters."""
    return {
        "model": MODEL,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": reason,
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": 30,
        "prompt_eval_duration": 2_000_000,
        "eval_count": 6,
        "eval_duration": 2_000_000,
        **more,
    }


def part(text: str) -> dict[str, Any]:
    """A line in the middle of a streamed chat."""
    message = {"role": "assistant", "content": text}
    return {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False}


def own_exchanges() -> dict[str, dict[str, Any]]:
    """Exchanges made up for the tests, by name, of the same shape as the recorded ones."""
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
    return {
        "chat": _exchange("/api/chat", said("Pay in 40 days.")),
        "chat_stream": _exchange("/api/chat", [part("Pay "), part("in 40"), said("", "length")]),
        "chat_length": _exchange("/api/chat", said("Pay it all", "length")),
        "chat_schema": _exchange("/api/chat", said('{"days": 4', "length"), format=schema),
        "chat_missing": _exchange("/api/chat", {"error": f'model "{MODEL}" not found'}, 404),
        "chat_bad": _exchange("/api/chat", {"error": "json: cannot unmarshal string"}, 400),
        "show": _exchange("/api/show", {"details": {"family": "llama"}, "model_info": {}, "modelfile": "FROM x"}),
        "show_missing": _exchange("/api/show", {"error": f"model '{MODEL}' not found"}, 404),
    }


def _exchange(path: str, body: Any, status: int = 200, **more: Any) -> dict[str, Any]:
    request = {"method": "POST", "path": path, "json": {"model": MODEL, **more}}
    return {"request": request, "response": {"status": status, "content_type": "application/json", "body": body}}


def recorded_exchanges() -> dict[str, dict[str, Any]]:
    """Exchanges with a real server, by name."""
    data = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {exchange["name"]: exchange for exchange in data["exchanges"]}


def answer(exchange: dict[str, Any]) -> Answer:
    """The answer of an exchange."""
    response = exchange["response"]
    body = response["body"]
    return Answer(body if isinstance(body, list) else [body], response["status"], content_type=response["content_type"])


@dataclass
class StandIn:
    """The server; use it in a `with` statement."""

    answers: list[Answer]
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> StandIn:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def next(self, path: str, body: dict[str, Any]) -> Answer:
        self.paths.append(path)
        self.asked.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(owner: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith("/api/blobs/"):  # a file; what is kept is its digest
                self._send(owner.next(self.path, {"sha256": hashlib.sha256(body).hexdigest()}))
                return
            self._send(owner.next(self.path, json.loads(body or b"{}")))

        def do_GET(self) -> None:
            self._send(owner.next(self.path, {}))

        def _send(self, given: Answer) -> None:
            chunks = given.chunks()
            self.send_response(given.status)
            self.send_header("Content-Type", given.content_type)
            self.send_header("Content-Length", str(sum(map(len, chunks)) + (1 if given.broken else 0)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for chunk in chunks:
                owner.over.wait(given.pause)
                try:
                    self.wfile.write(chunk)
                    self.wfile.flush()
                except OSError:  # the client has had enough
                    return

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])
