"""A model's server that is killed and restarted in the middle of a tournament."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from helpers.ollama_server import MODEL, said

from poise import TournamentConfig, run_tournament
from poise.tournaments.runner import resume_tournament
from poise.tournaments.storage.store import Store

SHOWN = {"details": {"family": "llama"}, "model_info": {}, "modelfile": "FROM x"}


class Parrot:
    """Repeats the sentence it is asked to repeat; can be killed after so many chats, and started again."""

    def __init__(self, kill_after: int = 0) -> None:
        self.chats, self.kill_after, self.port = 0, kill_after, 0
        self.killed = threading.Event()
        self.start()

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.killed.set()

    def config(self, **more) -> TournamentConfig:
        return TournamentConfig(
            creditors=("vanilla", "eq-negotiator"),
            debtors=("vanilla", "sad"),
            matches_per_pair=2,
            model=f"ollama:{MODEL}",
            model_options={"base_url": f"http://127.0.0.1:{self.port}", **more},
            workers=2,
            seed=4,
        )

    def _handler(parrot) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.endswith("/chat"):
                    parrot.chats += 1
                    if parrot.chats == parrot.kill_after:
                        threading.Thread(target=parrot.stop).start()
                self.answer(said(sentence(body)) if self.path.endswith("/chat") else SHOWN)

            def do_GET(self) -> None:
                self.answer({"models": [{"name": MODEL, "model": MODEL}]})

            def answer(self, data) -> None:
                text = json.dumps(data).encode() + b"\n"
                self.send_response(200)
                self.send_header("Content-Type", "application/x-ndjson")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def sentence(body) -> str:
    last = body["messages"][-1]["content"] if body.get("messages") else ""
    return last.rpartition(': "')[2].rstrip('"')


def transcripts(folder) -> list[dict]:
    with Store.read(folder) as store:
        return [each.to_dict() for each in store.transcripts()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    parrot = Parrot()
    run_tournament(parrot.config(), folder)
    parrot.stop()
    return transcripts(folder), parrot.chats


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_server_that_comes_back_is_waited_for(tmp_path, undisturbed, share):
    expected, chats = undisturbed
    parrot = Parrot(kill_after=int(chats * share))

    def restart() -> None:
        parrot.killed.wait(120)
        parrot.start()

    back = threading.Thread(target=restart)
    back.start()
    result = run_tournament(parrot.config(patience=120), tmp_path)
    back.join()
    parrot.stop()
    assert parrot.killed.is_set()
    assert result.complete
    assert transcripts(tmp_path) == expected


def test_a_server_that_stays_away_lets_matches_wait_and_the_resumption_loses_and_repeats_nothing(tmp_path, undisturbed):
    expected, chats = undisturbed
    parrot = Parrot(kill_after=chats // 2)
    stopped = run_tournament(parrot.config(patience=0.1), tmp_path)
    (waiting,) = stopped.waiting
    assert (waiting.model, waiting.matches) == (f"ollama:{MODEL}", stopped.total - stopped.finished)
    assert f"127.0.0.1:{parrot.port}" in waiting.reason
    kept = transcripts(tmp_path)
    assert 0 < len(kept) < len(expected)
    parrot.start()
    result = resume_tournament(tmp_path)
    parrot.stop()
    assert result.played == len(expected) - len(kept)
    after = transcripts(tmp_path)
    assert after == expected
    assert all(each in after for each in kept)
