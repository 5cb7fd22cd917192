"""The OpenSpiel game `poise_bargaining`: what is legal, when a deal stands, and what each seat gets.

Two players, the creditor (0) and the debtor (1), make one message in turn, the creditor first. A message offers a value
of the lattice low, low + grid, ... <= high, firmly or not; accepts the other seat's standing offer; walks away; or
forfeits, which leaves the standing offers as they are. With x_c and x_d the targets:

    deal       an offer, unless firm, within `tolerance` of the other seat's standing offer; or an acceptance
    value x    the accepted offer; for two offers a and b their midpoint (a + b + 1) // 2, or the last one ("last")
    utilities  u = clip((x_d - x) / (x_d - x_c), 0, 1) for the creditor and 1 - u for the debtor, both times
               discount ** (index of the offer that became the deal, 0 for the opening); 0 and 0 without a deal

Both targets are parameters of the game, so whoever holds a game or a state knows both. That is right for the referee
and for theory; agents are never given either.

With `plain` the game has no firm offers and no forfeits: with tolerance 0 it is then the alternating-offers game of
Stahl (1972) and Rubinstein (1982), see `poise.games.openspiel.theory`.

Actions: 0 accept, 1 walk, then one for each offer and, unless plain, one for each firm offer and the forfeit.

A custom game has another class of positions (see `poise.games.openspiel.variants`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from poise.common.errors import ConfigError, IllegalMove
from poise.games.moves import SEATS
from poise.games.openspiel import pyspiel as openspiel
from poise.games.openspiel.observer import Observer
from poise.games.openspiel.terms import ACCEPT_ACTION, WALK_ACTION, StandingOffer, Terms

SHORT_NAME: Final = "poise_bargaining"
LARGEST_INTEGER: Final = 2**31 - 1  # of OpenSpiel's integers
DEFAULTS: Final[Mapping[str, Any]] = {
    "creditor_target": 30,
    "debtor_target": 120,
    "low": 0,
    "high": 365,
    "tolerance": 5,
    "max_messages": 31,
    "discount": 1.0,
    "grid": 1,
    "deal_value": "midpoint",
    "plain": False,
}


_GAMES: Final[dict[str, type[BargainingGame]]] = {}

Ending = Literal["deal", "walked", "timeout"]


class BargainingGame(openspiel.Game):  # type: ignore[misc]  # pyspiel has no type stubs
    """The game; `terms` holds its parameters. Make one with `load` or `pyspiel.load_game`."""

    declared: Any  # the GameType and the class of its positions, set by `register_bargaining`
    position: type[BargainingState]

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        params = {**DEFAULTS, **(params or {})}
        self.terms = Terms.from_parameters(params)
        info = openspiel.game_info(self.terms.num_actions, self.terms.rules.max_messages)
        super().__init__(self.declared, info, params)

    def new_initial_state(self) -> BargainingState:
        """The table before the first message."""
        return self.position(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Mapping[str, Any] | None = None) -> Observer:
        """OpenSpiel's way to strings and tensors; with perfect recall they hold the whole history."""
        if params:
            raise ConfigError(f"observer parameters {params!r}: this game's observer has none, so leave them out")
        return Observer(self.terms, bool(iig_obs_type and iig_obs_type.perfect_recall))


class _Table(openspiel.State):  # type: ignore[misc]  # pyspiel has no type stubs
    """Keeps the terms in a slot: OpenSpiel copies and serialises what is in a state's __dict__."""

    __slots__ = ("terms",)


class BargainingState(_Table):
    """One position of a negotiation.

    index:    the index of the message about to be made, that is, how many were made.
    standing: the (creditor's, debtor's) standing offers.
    ending:   how the negotiation ended; None while it goes on.
    deal:     the deal's value, and the index of the offer that became the deal.
    by:       the player that accepted or walked away.
    """

    def __init__(self, game: BargainingGame) -> None:
        super().__init__(game)
        self.terms: Terms = game.terms
        self.index = 0
        self.standing: tuple[StandingOffer | None, StandingOffer | None] = (None, None)
        self.ending: Ending | None = None
        self.deal: StandingOffer | None = None
        self.by: int | None = None

    def current_player(self) -> int:
        """0 for the creditor, 1 for the debtor, or OpenSpiel's number for the end."""
        return self.index % 2 if self.ending is None else openspiel.TERMINAL

    def is_terminal(self) -> bool:
        """Whether the negotiation is over."""
        return self.ending is not None

    def settle(self, standing: int, new: int) -> int | None:
        """The deal of an offer `new` with the other seat's `standing` one (neither firm); None where they make none.

        A custom game may say otherwise (see `poise.games.openspiel.variants`), by these two and the position
        before.
        """
        return self.terms.settle(standing, new)

    def worth(self, deal: StandingOffer) -> list[float]:
        """What (creditor, debtor) get from `deal`, each in [0, 1]; a custom game may say otherwise."""
        return self.terms.utilities(deal)

    def returns(self) -> list[float]:
        """(creditor, debtor), each in [0, 1]; zeros without a deal."""
        return self.worth(self.deal) if self.deal else [0.0, 0.0]

    def allows(self, action: int) -> bool:
        """Whether `action` is legal now; `legal_actions` lists all those that are."""
        return self._first_legal() <= action < self.terms.num_actions and self.ending is None

    def _first_legal(self) -> int:
        return WALK_ACTION if self.standing[1 - self.index % 2] is None else ACCEPT_ACTION

    def _legal_actions(self, player: int) -> list[int]:  # noqa: ARG002  # OpenSpiel asks for the current player only
        return list(range(self._first_legal(), self.terms.num_actions))

    def _apply_action(self, action: int) -> None:
        if not self.allows(action):
            raise IllegalMove(f"action {action} is not legal now ({self}); see legal_actions()")
        player = self.index % 2
        if action == ACCEPT_ACTION:
            self.ending, self.deal, self.by = "deal", self.standing[1 - player], player
        elif action == WALK_ACTION:
            self.ending, self.by = "walked", player
        elif (offered := self.terms.offered(action)) is not None:
            self._offer(player, *offered)
        self.index += 1
        if self.ending is None and self.index == self.terms.rules.max_messages:
            self.ending = "timeout"

    def _offer(self, player: int, value: int, firm: bool) -> None:
        mine, theirs = StandingOffer(value, self.index), self.standing[1 - player]
        self.standing = (theirs, mine) if player else (mine, theirs)
        met = None if firm or theirs is None else self.settle(theirs.value, value)
        if met is not None:
            self.ending, self.deal = "deal", StandingOffer(met, self.index)

    def _action_to_string(self, player: int, action: int) -> str:  # noqa: ARG002  # the same words for both
        move = self.terms.move(action)
        return f"{'firm ' if move.firm else ''}offer {move.value}" if move.kind == "offer" else move.kind

    def __str__(self) -> str:
        """The position in words; two positions with the same words have the same future."""
        total = self.terms.rules.max_messages
        if self.ending is None:
            return f"{SEATS[self.index % 2]} to make message {self.index + 1} of {total}; {self._on_table()}"
        worth = ", ".join(f"{seat} {utility:.4f}" for seat, utility in zip(SEATS, self.returns(), strict=True))
        deal = f" at {self.deal.value} on the offer of message {self.deal.index + 1}" if self.deal else ""
        return f"{self.ending}{deal} after message {self.index} of {total}; {worth}"

    def _on_table(self) -> str:
        stand = [
            f"{seat} {offer.value} (message {offer.index + 1})"
            for seat, offer in zip(SEATS, self.standing, strict=True)
            if offer
        ]
        return ", ".join(stand) or "nothing on the table"


def register_bargaining(name: str = "", position: type[BargainingState] | None = None) -> None:
    """Make a game known to OpenSpiel, once. Its class of positions may be defined again."""
    if name not in _GAMES:
        long_name = f"Poise Bargaining: {name}" if name else "Poise Bargaining"
        own: type[BargainingGame] = type("OwnGame", (BargainingGame,), {}) if name else BargainingGame
        own.declared = openspiel.register(short_name(name), long_name, DEFAULTS, own)
        _GAMES[name] = own
    _GAMES[name].position = position or BargainingState


def short_name(name: str) -> str:
    """What OpenSpiel calls the game `name`; "" is Poise's own."""
    return f"{SHORT_NAME}_{name.replace('-', '_')}" if name else SHORT_NAME


register_bargaining()
