"""An OpenAI-compatible server on the loopback that repeats what it is asked to say, or misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = "right"


class Server:
    """An OpenAI-compatible server on the loopback; `mode` says how it answers a chat, by the model's name."""

    def __init__(self, **modes: str) -> None:
        self.modes, self.chats = modes, 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200, {"data": [{"id": name} for name in server.modes]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.chats += 1
                status, answer = server.chat(server.modes[body["model"]], body["messages"][-1]["content"])
                self.reply(status, answer)

            def reply(self, status: int, answer: object) -> None:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def chat(self, mode: str, asked: str) -> tuple[int, object]:
        if mode == "down":
            return 503, {"error": "overloaded"}
        if mode == "refuses":
            return 400, {"error": {"message": "the context is too short"}}
        words = asked.rpartition(': "')[2].rstrip('"') if mode == ANSWERS else ""
        choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
        return 200, {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(**modes: str) -> Iterator[Server]:
    """A server for a `with` statement: by the name of a model, how it answers."""
    server = Server(**modes)
    try:
        yield server
    finally:
        server.stop()
