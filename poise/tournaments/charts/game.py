"""The game between the two fields as figures: the same in the viewer, in the report and as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poise.common.errors import BadInput
from poise.games.moves import SEATS, Seat
from poise.tournaments.charts.game_charts import NAMED, Lines, exploitability_picture, lines_picture, simplex_picture
from poise.tournaments.charts.networks import dominance_picture, response_picture
from poise.tournaments.charts.svg import standalone
from poise.tournaments.game_theory.alpha_rank import SWEEP, alpha_sweep
from poise.tournaments.game_theory.bimatrix import TIE, Bimatrix, bimatrix
from poise.tournaments.game_theory.dominance import best_answers, dominance_edges, paired_gaps
from poise.tournaments.game_theory.solve import STEP, STEPS, Mixed, equilibrium, exploitability, populations
from poise.tournaments.statistics.results import Standings
from poise.tournaments.storage.rows import Row

Array = NDArray[np.float64]
_STYLE: Final = Path(__file__).parent / "styles"
_MOMENTS: Final = 300  # so many that play in circles is seen as such


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture; name: of its file. seat: "" for both."""

    name: str
    title: str
    seat: Seat | str
    picture: Markup


@dataclass(frozen=True, eq=False)
class GameFigures:
    """All figures of the game, or why there are none. told: the equilibrium in a sentence."""

    figures: tuple[Figure, ...] = ()
    told: str = ""
    missing: str = ""

    def called(self, *names: str) -> list[Figure]:
        """The figures whose names begin so, in order."""
        return [one for one in self.figures if one.name.startswith(names)]


def game_figures(standings: Standings, rows: Sequence[Row]) -> GameFigures:
    """The figures of a tournament; where the field makes no game, what is missing, and the remedy."""
    sizes = len(standings.matrix), len(standings.matrix[0]) if standings.matrix else 0
    if max(sizes) < 2:
        return GameFigures(
            missing="There is nothing to choose: one creditor and one debtor. Add agents with --creditor or --debtor."
        )
    try:
        game = bimatrix(standings)
    except BadInput as error:
        return GameFigures(missing=f"There is no game to solve: {error}.")
    return GameFigures(tuple(_figures(game, rows)), _told(game, equilibrium(game)))


def _figures(game: Bimatrix, rows: Sequence[Row]) -> Iterator[Figure]:
    gaps = {seat: paired_gaps(rows, game.creditor.shape, seat) for seat in SEATS}
    labels = {seat: game.labels(seat) for seat in SEATS}
    chosen = [seat for seat in SEATS if len(labels[seat]) > 1]
    for seat in chosen:
        edges = dominance_edges(game, gaps[seat], seat)
        title = f"Dominance among {seat}s{'' if edges.number_of_edges() else ': none'}"
        yield Figure(f"dominance-{seat}s", title, seat, dominance_picture(edges, labels[seat], seat))
    yield Figure("best-answers", "Best answers", "", response_picture(best_answers(game, gaps), labels))
    sweep, path = alpha_sweep(game), trajectory(game)
    named = {seat: _named(_masses(sweep, seat)[1], path[1][SEATS.index(seat)]) for seat in SEATS}
    for seat in chosen:
        yield _alpha(labels[seat], named[seat], _masses(sweep, seat), seat)
    for seat in chosen:
        marks = [(float(time), f"{time:g}") for time in (0.1, 1, 10, 100)]
        lines = Lines(labels[seat], named[seat], path[0], path[1][SEATS.index(seat)], marks, "time")
        picture = lines_picture(lines, "growth", f"Shares of the {seat}s over time by replicator dynamics")
        yield Figure(f"replicator-{seat}s", f"Populations of {seat}s", seat, picture)
    for seat in chosen:
        if len(labels[seat]) == 3:
            yield _triangle(game, path[1][SEATS.index(seat)], seat)
    exploited = {seat: exploitability(game, seat) for seat in SEATS}
    reach = max(max(values) for values in exploited.values())
    for seat in chosen:
        picture = exploitability_picture(labels[seat], exploited[seat], seat, reach)
        yield Figure(f"exploitability-{seat}s", f"Exploitability of {seat}s", seat, picture)


def _named(*shares: Array) -> list[int]:
    """Which agents are worth a colour: those whose share is large at the end, or else on the way.

    shares: each of shape (n, agents).
    """
    ends = np.round(np.sum([one[-1] for one in shares], axis=0), 3)
    tops = np.round(np.sum([one.max(axis=0) for one in shares], axis=0), 3)
    return [int(agent) for agent in np.lexsort((-tops, -ends))[:NAMED]]


def _masses(sweep: Sequence[tuple[float, Array]], seat: Seat) -> tuple[Array, Array]:
    """The strengths of selection, and each agent's mass at them, shape (strengths, agents)."""
    masses = np.array([mass.sum(axis=1 if seat == "creditor" else 0) for _, mass in sweep])
    return np.array([alpha for alpha, _ in sweep]), masses


def _alpha(labels: Sequence[str], named: Sequence[int], sweep: tuple[Array, Array], seat: Seat) -> Figure:
    marks = [(10.0**power, f"{10.0**power:g}") for power in range(-2, 3)]
    assert (marks[0][0], marks[-1][0]) == SWEEP  # noqa: S101 - a mark at either end
    lines = Lines(labels, named, *sweep, marks, "strength of selection, \N{GREEK SMALL LETTER ALPHA}")
    picture = lines_picture(lines, "alpha", f"Alpha-rank of the {seat}s by the strength of selection")
    return Figure(f"alpha-rank-{seat}s", f"Alpha-rank of {seat}s", seat, picture)


def _triangle(game: Bimatrix, path: Array, seat: Seat) -> Figure:
    """The ways from even shares and from near each corner, the other seat's shares even."""
    paths = [path]
    for corner in range(3):
        start = [np.full(len(game.labels(one)), 1 / len(game.labels(one))) for one in SEATS]
        start[SEATS.index(seat)] = np.where(np.arange(3) == corner, 0.8, 0.1)
        paths.append(trajectory(game, (start[0], start[1]))[1][SEATS.index(seat)])
    picture = simplex_picture(game.labels(seat), paths, f"The {seat}s' shares from several starts")
    return Figure(f"simplex-{seat}s", f"Populations of {seat}s from several starts", seat, picture)


def trajectory(game: Bimatrix, start: tuple[Array, Array] | None = None) -> tuple[Array, tuple[Array, Array]]:
    """Times, and each seat's shares at them, shape (times, agents), by `solutions.populations`.

    Times are evenly in their logarithm; the first is one step.
    """
    moments = np.unique(np.geomspace(1, STEPS, _MOMENTS).astype(np.int64))
    wanted = set((moments - 1).tolist())
    kept = [state for step, state in enumerate(populations(game, start)) if step in wanted]
    x, y = (np.array([state[side] for state in kept]) for side in range(2))
    return np.asarray(moments * STEP, dtype=np.float64), (x, y)


def _told(game: Bimatrix, nash: Mixed) -> str:
    """The equilibrium: who plays in it, and what it is worth."""
    sides = [_mixture(game.labels(seat), getattr(nash, seat)) for seat in SEATS]
    worth = " and ".join(f"{value:.3f}" for value in nash.values)
    regret = "nobody would gain by another agent" if nash.regret < 5e-4 else f"regret {nash.regret:.3f}"
    name = "Equilibrium" if nash.regret <= TIE else "Nearest to an equilibrium"
    return f"{name} ({nash.method}): {sides[0]} against {sides[1]}; worth {worth}, {regret}."


def _mixture(labels: Sequence[str], shares: Array) -> str:
    kept = sorted(((float(share), label) for share, label in zip(shares, labels, strict=True) if share > 5e-3))[::-1]
    if len(kept) == 1:
        return kept[0][1]
    return ", ".join(f"{label} {share:.0%}" for share, label in kept)


def write_figures(found: GameFigures, folder: Path) -> list[Path]:
    """Write each figure as an SVG file into `folder`, which is made where needed; their paths.

    Raises:
        BadInput: there are none.
    """
    from poise.common.files import replace_file

    if found.missing:
        raise BadInput(found.missing)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{one.name}.svg" for one in found.figures]
    for path, one in zip(paths, found.figures, strict=True):
        replace_file(path, figure_file(one.picture).encode())
    return paths


def figure_file(picture: Markup) -> str:
    """A picture as an SVG file of its own: with the colours and the rules of the report, on white."""
    report, game = ((_STYLE / name).read_text(encoding="utf-8") for name in ("report.css", "game.css"))
    colours = report[report.index(":root") : report.index("}") + 1]
    rules = [line for line in report.splitlines() if line.startswith((".chart ", ".histogram "))]
    return standalone(picture, "\n".join([colours, "svg { background: #fff; }", *rules, game.replace("<", "&lt;")]))
