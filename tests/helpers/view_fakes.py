"""Tournaments to look at, and a viewer that serves them for the length of a test."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from starlette.testclient import TestClient

from helpers.tournament_fakes import OpenFake, Pairing, config, scenarios, schedule
from poise.games.transcript import Reading, Wording
from poise.tournaments.config import TournamentConfig
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store
from poise.tournaments.view.app import make_app
from poise.tournaments.workers.queue import TaskPlayer, TaskQueue, WorkerPlan

HOSTILE = (
    "</div></script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    "<!--\u2028{{ 7 * 7 }} javascript:alert(2) \" ' &lt; \u202eevil\u202c\u200b\x00 \ud7ff"
)
LONG = "very " * 20_000 + "long"


class Said(Pairing):
    """Models that say what they should not, at length, and are re-asked and repaired."""

    def play(self, scenario, seed):
        played = super().play(scenario, seed)
        first, second = played.transcript.messages
        wording = Wording(2, (HOSTILE,), True, (HOSTILE, LONG), (HOSTILE,))
        messages = (
            replace(first, text=HOSTILE, wording=wording, notes={HOSTILE: HOSTILE}, violations=(HOSTILE,)),
            replace(second, text=LONG, reading=Reading((1.0,) + (0.0,) * 6, "joy", (0.7, 0.1, 0.1, 0.1))),
        )
        outcome = replace(played.transcript.outcome, reason=HOSTILE)
        played.transcript = replace(played.transcript, messages=messages, outcome=outcome)
        return played


class OpenSaid(OpenFake):
    def __call__(self, pair):
        return Said(self.plan, pair, 0.0, self.trouble)


def fake_plan(cases=3, creditors=2, debtors=2):
    return schedule(config(creditors, debtors), cases)


def fake_matches(plan, *, hostile=False):
    """Finished matches of a plan, without any room to the left."""
    player = TaskPlayer(WorkerPlan(plan, config().rules, (OpenSaid if hostile else OpenFake)(plan)))
    queue = TaskQueue.of(plan, {})
    while task := queue.take(99):
        yield from player.play(task)


def fake_store(folder, plan, *, hostile=False):
    """A store for the plan, without a match yet."""
    settings = config(len(plan.creditors), len(plan.debtors)).model_dump(mode="json")
    labels = [[entrant.label for entrant in side] for side in (plan.creditors, plan.debtors)]
    if hostile:
        labels[0][0] = settings["name"] = HOSTILE.replace("\x00", "")
    header = Header(
        id=plan.id,
        config=settings,
        creditors=[{"label": label, "declared": {}} for label in labels[0]],
        debtors=[{"label": label, "declared": {}} for label in labels[1]],
        total=len(plan.matches),
        provenance={"poise": "0.1.0", "python": "3.11", "packages": {"numpy": HOSTILE if hostile else "2"}},
    )
    told = plan.scenarios
    if hostile:
        told = [
            replace(case, context={"Reason": "<b>&\u202e" + HOSTILE.replace("\x00", "")})
            for case in scenarios(len(told))
        ]
    return Store.create(folder, header, told)


def fake_folder(folder, *, hostile=False, cases=3, creditors=2, debtors=2):
    """A finished tournament played by a formula."""
    plan = fake_plan(cases, creditors, debtors)
    with fake_store(folder, plan, hostile=hostile) as store:
        store.add(list(fake_matches(plan, hostile=hostile)))
    return folder


def real_folder(folder, **settings):
    """A finished tournament of real agents without a model."""
    given = {"creditors": ("vanilla", "eq-negotiator"), "debtors": ("angry", "simulated"), "matches_per_pair": 6}
    run_tournament(TournamentConfig(**{**given, "max_messages": 11, "workers": 1, **settings}), folder)
    return folder


def client(*folders, **more):
    """Asks the app without a network, as a browser on this machine would."""
    return TestClient(make_app(folders, **more), base_url="http://127.0.0.1:8000")


@contextmanager
def serving(*folders):
    """A viewer on a free port of this machine; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(folders), log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
