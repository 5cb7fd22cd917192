"""The viewer's routes. All data come from the stores, which are not changed; a person's seat is in `seat`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from poise.common.errors import BadInput, PoiseError
from poise.tournaments.view import pages
from poise.tournaments.view.guard import SEAT, App, Foreign, Guard
from poise.tournaments.view.library import Library, Missing, ViewedRun
from poise.tournaments.view.live import Watcher
from poise.tournaments.view.matches import MatchFilter, options

if TYPE_CHECKING:
    from poise.tournaments.view.seat import Seat

_NO_STORE: Final = {"cache-control": "no-store"}


def make_app(
    folders: Sequence[Path | str],
    names: Collection[str] = (),
    *,
    anywhere: bool = False,
    across: Sequence[str] = (),
    token: str | None = None,
) -> App:
    """The ASGI app over the tournaments in `folders`.

    names: host names that are answered besides loopback. anywhere: any IP address is answered, too (see `guard`). There
    is a seat for a person only without either. across: opponents besides those that `poise agents list` shows.
    token: what the address must contain once, for a machine with several users; None admits all of them.
    """
    seated = not names and not anywhere  # others who can reach this machine may read, but not play in its owner's name
    viewer = Viewer(Library(folders), seated=seated, across=across)
    return Guard(viewer.starlette(), names, anywhere=anywhere, seated=seated, token=token)


class Viewer:
    """The routes of the viewer. seated: with a seat for a person. across: see `make_app`."""

    def __init__(self, library: Library, *, seated: bool = False, across: Sequence[str] = ()) -> None:
        self.library = library
        self._seated = seated
        self._across = tuple(across)
        self._seat: Seat | None = None
        self._lock = Lock()
        self.watcher = Watcher()

    def starlette(self) -> Starlette:
        """The app, without its guard."""
        addresses = {
            "/": self.start,
            "/run/{run}/": self.overview,
            "/run/{run}/progress.json": self.progress,
            "/run/{run}/matches": self.matches,
            "/run/{run}/matches.json": self.matches_data,
            "/run/{run}/match/{position:int}": self.match,
            "/run/{run}/match/{position:int}.json": self.transcript,
            "/run/{run}/match/{position:int}/prompt/{index:int}": self.prompt,
            "/run/{run}/match/{position:int}/graph": self.graph,
            "/run/{run}/{table}.csv": self.table,
            "/run/{run}/figure/{figure}.svg": self.figure,
            "/beside": self.beside,
            "/compare": self.compare,
            "/static/{name}": self.static,
        }
        routes = [Route(path, answer, methods=["GET"]) for path, answer in addresses.items()]
        for path in (SEAT, f"{SEAT}/{{name}}") if self._seated else ():
            routes += [Route(path, self.seat_page, methods=["GET"]), Route(path, self.seat_form, methods=["POST"])]
        handlers: Any = {PoiseError: self.refused, 404: self.not_found, 500: self.broken}
        return Starlette(routes=routes, exception_handlers=handlers)

    def start(self, _: Request) -> Response:
        """All tournaments, or the only one. For one that cannot be read, the page says what is wrong."""
        runs = list(self.library.runs().values())
        damaged = [(run, run.problem) for run in runs if run.problem]
        if len(runs) == 1 and not damaged:
            return RedirectResponse(f"/run/{pages.url_part(runs[0].name)}/", headers=_NO_STORE)
        unreadable = {run.name for run, _ in damaged}
        listed = [(run, self.watcher.state(run), run.snapshot()) for run in runs if run.name not in unreadable]
        return self._page("runs.html.j2", listed=listed, damaged=damaged)

    def overview(self, request: Request) -> Response:
        """Standings, payoffs and outcomes of one tournament."""
        from poise.tournaments.view.overview import overview

        run = self._run(request)
        choice = MatchFilter.of(request.query_params).only("creditor", "debtor", "domain")
        return self._page("overview.html.j2", run, choice, **overview(run.snapshot(), choice, _baseline(request)))

    def progress(self, request: Request) -> Response:
        """The progress of a tournament."""
        return _json(self.watcher.state(self._run(request)))

    def matches(self, request: Request) -> Response:
        """The list of matches; the page's script fills it."""
        run = self._run(request)
        choice = MatchFilter.of(request.query_params)
        return self._page("matches.html.j2", run, choice, options=options(run.snapshot()))

    def matches_data(self, request: Request) -> Response:
        """Part of the list."""
        from poise.tournaments.view.matches import listing

        return _json(listing(self._run(request), MatchFilter.of(request.query_params), request.query_params))

    def match(self, request: Request) -> Response:
        """The replay of one match."""
        from poise.tournaments.view.replay import match_page

        run = self._run(request)
        choice = MatchFilter.of(request.query_params)
        position = request.path_params["position"]
        return self._page("match.html.j2", run, choice, **match_page(self.library, run, position, choice))

    def transcript(self, request: Request) -> Response:
        """The stored transcript."""
        raw = self._run(request).raw(request.path_params["position"])
        return Response(raw, media_type="application/json", headers=_NO_STORE)

    def prompt(self, request: Request) -> Response:
        """The prompts and replies of one message, try by try."""
        from poise.tournaments.view.prompts import prompt_of

        run, parameters = self._run(request), request.path_params
        told = run.told(parameters["position"])
        return _json(prompt_of(told.transcript, parameters["index"], told.usage))

    def graph(self, request: Request) -> Response:
        """The graph that the match ran on; the page's script highlights its nodes."""
        from poise.tournaments.charts.turn_graph import match_graph

        run, position = self._run(request), request.path_params["position"]
        judged = bool(run.told(position).transcript.judge)
        return self._page("graph.html.j2", graph=match_graph(*run.outlines(position), judged=judged))

    def table(self, request: Request) -> Response:
        """A table of the overview, to download."""
        from poise.tournaments.view.downloads import table_csv

        snapshot = self._run(request).snapshot().against(_baseline(request) or None)
        text = table_csv(snapshot, request.path_params["table"])
        return Response(text, media_type="text/csv; charset=utf-8", headers=_NO_STORE)

    def figure(self, request: Request) -> Response:
        """A figure of the overview, to download."""
        from poise.tournaments.view.downloads import figure_svg

        picture = figure_svg(self._run(request).snapshot(), request.path_params["figure"])
        return Response(picture, media_type="image/svg+xml", headers=_NO_STORE)

    def beside(self, request: Request) -> Response:
        """Two matches side by side."""
        from poise.tournaments.view.replay import beside_page

        pair = [self._match_named(request.query_params.get(side, "")) for side in ("a", "b")]
        return self._page("beside.html.j2", **beside_page(pair))

    def compare(self, request: Request) -> Response:
        """Two tournaments, cell by cell."""
        from poise.tournaments.view.compare import compare_page

        wanted = [request.query_params.get(name, "") for name in ("a", "b", "measure")]
        return self._page("compare.html.j2", **compare_page(self.library, *wanted))

    def seat(self) -> Seat:
        """A seat for a person; LangGraph is loaded at the first request for it."""
        from poise.tournaments.view.seat import Seat

        with self._lock:
            self._seat = self._seat or Seat(self.library, self._page, self._across)
            return self._seat

    def seat_page(self, request: Request) -> Response:
        """The page to take a seat, or the negotiation in progress."""
        seat = self.seat()
        return seat.session(request) if "name" in request.path_params else seat.lobby(request)

    async def seat_form(self, request: Request) -> Response:
        """A message or decision of the person."""
        seat = await run_in_threadpool(self.seat)
        return await (seat.step(request) if "name" in request.path_params else seat.sit_down(request))

    def static(self, request: Request) -> Response:
        """A style or script of this package."""
        name = request.path_params["name"]
        if name == "icon.svg":
            return Response(pages.ICON, media_type="image/svg+xml", headers={"cache-control": "max-age=86400"})
        if name not in pages.STATIC:
            raise Missing(f"there is no file called {name!r}")
        path, kind = pages.STATIC[name]
        return Response(path.read_bytes(), media_type=kind, headers={"cache-control": "no-cache"})

    def refused(self, _: Request, error: Exception) -> Response:
        """The page for a PoiseError."""
        known = {Missing: 404, Foreign: 403, BadInput: 400}
        status = next((code for kind, code in known.items() if isinstance(error, kind)), 500)
        return self._page("error.html.j2", words=str(error), status=status)

    def not_found(self, _: Request, __: Exception) -> Response:
        """The page for an unknown address."""
        return self._page("error.html.j2", words="There is nothing at this address.", status=404)

    def broken(self, _: Request, error: Exception) -> Response:
        """The page for a fault in the viewer."""
        words = f"{type(error).__name__}: {error}. This is a fault in Poise; the terminal shows where it happened."
        return self._page("error.html.j2", words=words, status=500)

    def _run(self, request: Request) -> ViewedRun:
        return self.library.run(request.path_params["run"])

    def _match_named(self, name: str) -> tuple[ViewedRun, int]:
        run, _, position = name.rpartition(":")
        if not position.isdecimal() or len(position) > 12:
            raise BadInput(f"{name[:80]!r} names no match; write RUN:POSITION, such as quickstart:3")
        return self.library.run(run), int(position)

    def _page(
        self,
        template: str,
        run: ViewedRun | None = None,
        choice: MatchFilter | None = None,
        status: int = 200,
        **values: Any,
    ) -> Response:
        state = self.watcher.state(run) if run is not None else None
        held = {"run": run, "choice": choice or MatchFilter(), "state": state, "status": status}
        held["seated"] = self._seated
        held["several"] = len(self.library.known()) > 1
        return HTMLResponse(pages.page(template, **held, **values), status, headers=_NO_STORE)


def _baseline(request: Request) -> str:
    return request.query_params.get("baseline", "")[:300].strip()


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json", headers=_NO_STORE)
