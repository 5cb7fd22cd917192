"""A user's own game: another rule for deals or another worth of them, in one file, played by every agent there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.paths import ROOT
from helpers.seats import case, pair

from poise.common import userfile
from poise.common.errors import ConfigError, StoreError
from poise.games.moves import offer
from poise.games.openspiel import variants
from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.variants import find_game, game, load_variant
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings
from poise.tournaments.config import make_config
from poise.tournaments.runner import resume_tournament, run_tournament
from poise.tournaments.statistics.standings import read_standings

COSTLY = str(ROOT / "examples" / "costly_talks.py")
OWN = """
from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.variants import game

@game("{name}")
class Mine(BargainingState):
    def settle(self, standing, new):
        return {deal}
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Writes a game into a file, as if by another process: nothing of it is known from before."""
    known = variants._registered()
    before = dict(known)
    monkeypatch.chdir(tmp_path)

    def write(deal="new", name="mine"):
        userfile._imported.cache_clear()
        Path("mine.py").write_text(OWN.format(deal=deal, name=name))
        return "mine.py"

    yield write
    known.clear()
    known.update(before)
    userfile._imported.cache_clear()


# --- the referee plays by it


def test_its_rule_decides_deals_and_its_worth_what_they_pay():
    usual, costly = (Referee(case(), Rules(game=name)) for name in ("", COSTLY))
    talks = [offer(40), offer(100), offer(60)]
    assert usual.judge(talks, offer(64)).value == 62
    ended = costly.judge(talks, offer(64))
    assert (ended.ending, ended.value) == ("deal", 60)  # what was said first
    assert ended.utilities == pytest.approx((0.52 - 0.03, 0.48 - 0.03))  # a hundredth for each of three messages
    assert ended.reason == f"The offers 60 and 64 are a deal at 60 days in the game {COSTLY}."


def test_moves_stay_as_they_are():
    usual, costly = load_variant(case(), Rules()), load_variant(case(), Rules(game=COSTLY))
    assert usual.new_initial_state().legal_actions() == costly.new_initial_state().legal_actions()


def test_transcripts_say_which_game_it_was_and_say_nothing_of_the_usual_one():
    for name, told in (("", {}), (COSTLY, {"game": COSTLY})):
        played = Pairing(*pair(), PlaySettings(rules=Rules(game=name))).play(case(), 3).transcript
        assert {key: value for key, value in played.rules.items() if key == "game"} == told
        again = Transcript.from_dict(played.to_dict())
        moves = [message.move for message in again.messages]
        assert Referee(again.scenario, Rules(**again.rules)).outcome(moves) == again.outcome


# --- its name


@pytest.mark.parametrize("spec", [COSTLY, f"{COSTLY}:CostlyTalks", "costly-talks"])
def test_a_game_is_named_by_file_by_class_or_by_name(spec):
    find_game(COSTLY)
    assert find_game(spec) == "costly-talks"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("costly-talk", "no game is called 'costly-talk'; did you mean 'costly-talks'"),
        ("nothing-like-it", "no game is called 'nothing-like-it'; write file.py:ClassName"),
        ("none.py", "game file none.py does not exist"),
        (f"{COSTLY}:Other", "Other is not a game; put @game"),
        (f"{COSTLY}:BargainingState", "BargainingState is not a game; put @game"),
    ],
)
def test_what_is_no_game_is_refused_in_words(spec, words):
    find_game(COSTLY)
    with pytest.raises(ConfigError, match=words):
        make_config({"creditors": ["vanilla"], "debtors": ["sad"], "game": spec})


def test_a_file_must_hold_one_game_and_run(tmp_path):
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(ConfigError, match=r"empty.py has 0 games \(none\)"):
        find_game(str(tmp_path / "empty.py"))
    with pytest.raises(ConfigError, match=r"broken.py fails on import: ZeroDivisionError"):
        find_game(str(tmp_path / "broken.py"))


@pytest.mark.parametrize("name", ["", "Costly", "costly_talks", "a b"])
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(ConfigError, match="a game cannot be called"):
        game(name)


def test_what_is_no_class_of_positions_is_refused():
    with pytest.raises(ConfigError, match="derive a class from BargainingState"):
        game("function")(lambda state: None)


def test_two_games_cannot_have_one_name(mine):
    find_game(COSTLY)
    with pytest.raises(ConfigError, match="two games are called 'costly-talks'; rename one"):
        find_game(mine(name="costly-talks"))


def test_a_class_defined_again_replaces_the_first():
    """As in a notebook, where a cell is run again."""

    def define(deal):
        @game("cell")
        class Cell(BargainingState):
            def settle(self, standing, new):
                return deal

    for deal in (50, 70):
        define(deal)
        assert Referee(case(), Rules(game="cell")).judge([offer(20)], offer(90)).value == deal


# --- tournaments


def settings(**more):
    return make_config({"creditors": ["vanilla", "wsls"], "debtors": ["angry", "sad"], "matches_per_pair": 3, **more})


def test_a_tournament_is_played_by_it_and_resumed_from_its_folder(tmp_path):
    config = settings(game=COSTLY, workers=2)
    ran = run_tournament(config, tmp_path / "costly")
    assert ran.complete
    usual = run_tournament(settings(), tmp_path / "usual")
    assert read_standings(ran.folder).seat("creditor") != read_standings(usual.folder).seat("creditor")
    assert resume_tournament(tmp_path / "costly").complete


def test_a_game_that_changed_is_another_tournament(tmp_path, mine):
    run_tournament(settings(game=mine("new")), tmp_path / "run")
    mine("standing")
    with pytest.raises(StoreError, match="another tournament"):
        run_tournament(settings(game="mine.py"), tmp_path / "run")


def test_from_another_folder_one_is_told_where_the_games_file_was(tmp_path, mine, monkeypatch):
    run_tournament(settings(game=mine("new")), tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(
        ConfigError, match=rf"mine.py does not exist; check the path. The tournament was begun in {tmp_path}"
    ):
        resume_tournament(tmp_path / "run")
