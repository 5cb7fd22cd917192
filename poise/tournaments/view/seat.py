"""A seat for a person: plain forms, each answered by a redirect, so that nothing is sent twice, without a script."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from poise.common.errors import BadInput, PoiseError, shorten
from poise.games.domains import domain_names
from poise.games.moves import SEATS
from poise.tournaments.human.steps import LEAVE
from poise.tournaments.view import pages
from poise.tournaments.view.guard import SEAT, Foreign, same_origin, same_token
from poise.tournaments.view.invitation import FIELDS, USUAL, invitation, opponents
from poise.tournaments.view.library import Library
from poise.tournaments.view.seats import Seats, SeatSession

_MOST_BYTES: Final = 65_536  # most of a form; a message has at most 400 characters
_MOST_FIELDS: Final = 20
_NO_STORE: Final = {"cache-control": "no-store"}
Page = Callable[..., Response]


class Seat:
    """The routes under /play.

    page: renders a template within the viewer's frame. across: opponents besides those that `poise agents list` shows.
    """

    def __init__(self, library: Library, page: Page, across: tuple[str, ...] = ()) -> None:
        self._library = library
        self._page = page
        self._across = across
        self._token = secrets.token_urlsafe(32)
        self._seats = Seats(self._show)

    def lobby(self, _: Request) -> Response:
        """The page to take a seat or to resume a negotiation."""
        return self._lobby(USUAL)

    async def sit_down(self, request: Request) -> Response:
        """Start the negotiation that a form asks for."""
        return await run_in_threadpool(self._begin, await self._form(request))

    def session(self, request: Request) -> Response:
        """The current state of a negotiation. A request changes nothing: only a form resumes one that was left."""
        name = request.path_params["name"]
        session = self._seats.session(name)
        if session is None:
            if kept := next((kept for kept in self._seats.open() if kept.name == name), None):
                return self._page("seat_left.html.j2", kept=kept, token=self._token)
            folder, ended = self._seats.ending(name)
            session = SeatSession(name, folder, ended=ended)
            session.idle.set()
        run = self._library.at(session.folder) if session.ended is not None else None
        return self._page("negotiation.html.j2", session=session, replay=run, token=self._token, seats=SEATS)

    async def step(self, request: Request) -> Response:
        """Write a message, send or withdraw it, resume, or leave."""
        return await run_in_threadpool(self._step, request.path_params["name"], await self._form(request))

    def _begin(self, form: Mapping[str, str]) -> Response:
        try:
            session = self._seats.begin(*invitation(form, self._across))
        except PoiseError as error:
            return self._lobby(form, str(error))
        if session.failed and all(kept.name != session.name for kept in self._seats.open()):
            self._seats.forget(session)
            return self._lobby(form, session.said)
        return _see(session.name)

    def _step(self, name: str, form: Mapping[str, str]) -> Response:
        does, words = form.get("do", "say"), form.get("words", "").strip()
        if does not in ("say", "yes", "no", "return"):
            raise BadInput(f"{shorten(does)} is not an action of this page; go back and try again")
        if does == "say" and words.lower() in LEAVE:
            return RedirectResponse(SEAT, 303, headers=_NO_STORE)
        if does == "return":
            self._seats.come_back(name)
        else:
            self._seats.answer(name, form.get("stamp", ""), words if does == "say" else does)
        return _see(name)

    def _lobby(self, given: Mapping[str, str], problem: str = "") -> Response:
        values = {name: given.get(name, USUAL.get(name, "")) for name in FIELDS}
        shown = {run.folder: run for run in self._library.runs().values()}
        over = [(kept, shown.get(kept.folder.resolve())) for kept in self._seats.over()]
        return self._page(
            "seat.html.j2",
            status=400 if problem else 200,
            values=values,
            problem=problem,
            opponents=opponents(self._across),
            domains=domain_names(),
            open=self._seats.open(),
            over=over,
            token=self._token,
        )

    def _show(self, folder: Path) -> None:
        """Finished negotiations can be replayed even where the viewer shows another folder."""
        if self._library.at(folder) is None:
            self._library.add(folder)

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of a form that a page of this viewer sent. Raises Foreign and BadInput for any other."""
        if not same_origin(request.headers):
            raise Foreign("only pages of this viewer may send forms; open the address that it printed")
        form = _fields(request.headers.get("content-type", ""), await _body(request))
        if not same_token(self._token, form.get("token", "")):
            typed = f" You typed: {form['words']}" if form.get("words") else ""
            raise Foreign(
                f"this page is from before the viewer was restarted; open {SEAT} again and continue there.{typed}"
            )
        return form


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise BadInput(f"a form of more than {_MOST_BYTES:,} bytes is not read; shorten it")
    return body


def _fields(kind: str, body: bytes) -> dict[str, str]:
    if kind.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadInput("the content type is not that of a form; send application/x-www-form-urlencoded")
    try:
        given = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadInput("this form cannot be read; open the page again") from None
    return dict(given)


def _see(name: str) -> Response:
    return RedirectResponse(f"{SEAT}/{pages.url_part(name)}", 303, headers=_NO_STORE)
