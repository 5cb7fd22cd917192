"""The experiment behind docs/results/emodistill.md: its commands are commands, its figures are the transcripts', and
its first sentence is that of the numbers, whichever way they came out."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from collections import Counter
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import typer
from helpers.paths import ROOT
from helpers.voice_fakes import request
from typer.testing import CliRunner

from poise.agents.emotions.detector import ARTIFACT, default_detector
from poise.agents.registry import find_agent
from poise.agents.simulated.prior import read_prior, sample_worlds
from poise.agents.voices.leaks import read_aloud
from poise.agents.voices.wording import check_wording
from poise.cli.app import app
from poise.cli.screens.exit_codes import DOUBTFUL, WAITING
from poise.games.moves import offer
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.storage.store import Store
from poise.training.detector.fit import fit_main

FOLDER = ROOT / "examples/experiments/emodistill"
SETTINGS = tomllib.loads((FOLDER / "experiment.toml").read_text(encoding="utf-8"))
GIVEN = {
    "dialogues": "D", "cases": "C", "goemotions": "G", "casino": "K", "model": "embedded:smollm2", "base": "smollm2",
    "gguf": "", "judge": "verifiable", "released": "R", "domain": "debt",
}  # fmt: skip
SIZES = tuple(SETTINGS["sizes"])


@pytest.fixture(scope="module")
def code():
    """(run, measures, page, estimate), as modules."""
    names = ("run", "measures", "page", "estimate")
    sys.path.insert(0, str(FOLDER))
    try:
        yield [__import__(name) for name in names]
    finally:
        sys.path.remove(str(FOLDER))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture
def experiment(code, tmp_path):
    def make(size="quick", settings=SETTINGS, **given):
        return code[0].Experiment(settings, size, tmp_path / "runs", GIVEN | given)

    return make


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment") / "play" / "debtors"
    fields = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["angry", "fear"], "scenarios": "builtin:test"}
    run_tournament(make_config({**fields, "matches_per_pair": 6, "seed": 3}), folder)
    return folder


@pytest.mark.parametrize(("status", "goes_on"), [(0, True), (DOUBTFUL, True), (1, False), (WAITING, False)])
def test_doubts_about_a_tournament_stop_nothing_and_failures_do(code, monkeypatch, status, goes_on):
    """Who was trained in a seen world plays there all the same, and the tournament ends with the code of a doubt."""
    started = []
    monkeypatch.setattr(
        "subprocess.run", lambda words, **_: started.append(words) or subprocess.CompletedProcess(words, status)
    )
    with nullcontext() if goes_on else pytest.raises(SystemExit, match=f"stopped with code {status}"):
        code[0].run([["tournament", "run"], ["tournament", "run"]])
    assert len(started) == (2 if goes_on else 1)


@pytest.mark.parametrize("size", SIZES)
def test_every_command_is_one_that_there_is(code, experiment, size):
    root, made = typer.main.get_command(app), experiment(size)
    released = [made.words(command) for command in SETTINGS["released"]["commands"]]
    with pytest.raises(SystemExit), redirect_stdout(io.StringIO()) as shown:
        fit_main(["--help"])
    for words in (*made.training(), *made.playing(), *released):
        assert "{" not in " ".join(words).replace("{fixed}", "")
        if words[0] == "fit":
            options = {word.strip("[],") for word in shown.getvalue().split()}
        else:
            command, rest = root, list(words)
            while hasattr(command, "get_command"):
                command = command.get_command(None, rest.pop(0))
            options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, words


@pytest.mark.parametrize("size", SIZES)
def test_who_plays_and_what_is_read_was_made_before(experiment, size):
    made = experiment(size)
    runs, there = str(made.runs), set()
    for words in (*made.training(), *made.playing()):
        out = words[words.index("--out") + 1] if "--out" in words else words[-1]
        for word in words:
            for part in re.split("[=@:,]", word):
                if part.startswith(runs) and part != out:
                    assert any(part == one or part.startswith(f"{one}/") for one in there), (part, words)
        there.add(out)


def test_every_size_says_the_same_things():
    overrides = {*SETTINGS, "rows", "world_rows", "transfer_rows", "max_messages"}
    assert len({frozenset(size) - overrides for size in SETTINGS["sizes"].values()}) == 1


@pytest.mark.parametrize("size", SIZES)
def test_what_is_judged_is_held_out_and_its_choice_is_not(experiment, size):
    made = experiment(size)
    debtors = made.settings["debtors"]
    assert set(debtors["seen"]) <= set(debtors["learned"])
    assert not set(debtors["unseen"]) & set(debtors["learned"])
    for play in SETTINGS["play"]:
        ends = ":train" if play["name"] == "choice" else ":test"
        assert play["scenarios"].endswith(ends)
        assert int(made.places[play["matches"].strip("{}")]) <= len(load_scenarios(play["scenarios"]))
    for name in (*debtors["learned"], *debtors["unseen"]):
        assert find_agent(name, "debtor")
    trained = " ".join(" ".join(words) for words in made.training())
    assert "worlds/test" not in trained
    assert "worlds/train" in trained
    for half, kept in (("seen", "train"), ("unseen", "test")):
        worlds = [word for word in made.places[f"{half}_worlds_scripted"].split() if word != "--debtor"]
        assert len(worlds) == made.settings["judged"]
        assert all(f"/worlds/{kept}/" in world for world in worlds)
    assert not any(f"--debtor {name}," in trained for name in debtors["unseen"])


def test_templates_are_at_most_a_third_and_no_emotions_are_learned_from_the_same_pairs(experiment):
    commands = list(experiment("full").training())
    picked = next(words for words in commands if words[1] == "pick" and words[-1].endswith("/pairs"))
    shares = [word.rpartition("=")[2] for word in picked if "template-pairs=" in word]
    assert [int(share.removesuffix("%")) for share in shares] == [33]
    learned = {words[words.index("--data") + 1] for words in commands if words[1] == "sft" and "--seat" not in words}
    assert len(learned) == 1
    assert any("--no-emotion" in words for words in commands)


def test_one_detector_cannot_have_two_roles(code, experiment, tmp_path):
    names = {role: str(tmp_path / f"{role}.npz") for role in SETTINGS["detectors"]}
    for role in names:
        (tmp_path / f"{role}.npz").write_text(role)
    experiment(settings={**SETTINGS, "detectors": names}).refuse_doubled_detectors()
    (tmp_path / "copy.npz").write_text("world")
    for same, said in (
        (str(tmp_path / "copy.npz"), "'world' and 'measure'"),
        (str(ARTIFACT), "'reader' and 'measure'"),
    ):
        with pytest.raises(SystemExit, match=said):
            experiment(settings={**SETTINGS, "detectors": {**names, "measure": same}}).refuse_doubled_detectors()


def test_a_page_is_estimated_to_be_there_in_two_hours(code, experiment):
    def minutes(size):
        made = experiment(size)
        return sum(code[3].Estimator(made).seconds(words) for words in (*made.training(), *made.playing())) / 60

    assert minutes("quick") < 15 < minutes("page") < 120 < minutes("full")


def test_an_estimate_counts_what_a_model_words(code, experiment):
    estimator = code[3].Estimator(experiment())
    seats = ["--creditor", "vanilla@scripted", "--debtor", "angry", "--matches-per-pair", "7"]
    one = SETTINGS["rates"]["messages_in_match"] / SETTINGS["rates"]["messages"]
    assert estimator.seconds(["tournament", "run", *seats]) == pytest.approx(7 / SETTINGS["rates"]["matches"])
    assert estimator.seconds(["tournament", "run", *seats, "--model", "embedded:x"]) == pytest.approx(7 * one)


def test_a_model_may_judge(experiment):
    commands = [" ".join(words) for words in experiment(judge="ollama:big").training()]
    assert any("train score" in words and words.endswith("--judge ollama:big") for words in commands)
    assert any("scores-ollama-big.jsonl" in words for words in commands)


def test_its_means_are_those_of_the_rows(code, played):
    measures = code[1]
    found = measures.Played.read(played, [("one", 1), ("two", 1)], ["angry", "fear"], default_detector(), 0)
    with Store.read(played) as store:
        rows = list(store.rows())
    for place, name in enumerate(("one", "two")):
        own = [row for row in rows if row.creditor == place]
        assert found.estimates("utility")[name].mean == pytest.approx(np.mean([row.creditor_utility for row in own]))
        assert found.estimates("success")[name].mean == np.mean([row.ending == "deal" for row in own])
        assert found.estimates("first try")[name] is None  # no model worded a message
    gained = found.gains("one")["two"].mean
    assert gained == pytest.approx(found.estimates("utility")["two"].mean - found.estimates("utility")["one"].mean)
    angry = [row.creditor_utility for row in rows if row.creditor == 1 and row.debtor == 0]
    assert found.of(["angry"]).estimates("utility")["two"].mean == pytest.approx(np.mean(angry))


def test_what_is_said_and_done_is_counted(code, played):
    measures = code[1]
    with Store.read(played) as store:
        talk = next(each for row, each in zip(store.rows(), store.transcripts(), strict=True) if row.creditor == 1)
    view, plain = request(offer(60), ("creditor", 50), ("debtor", 90)).view, "I need the full payment in 60 days."
    reversed_ = check_wording("I can pay the full balance in 60 days.", offer(60), view, plain)
    asked = replace(request(offer(60)), emotion="anger")
    aloud = f'reads its direction aloud: "{read_aloud("You sound hard and sharp. 60 days.", asked)}"'
    assert reversed_ is not None
    assert reversed_.name == "reversed"
    worded = [
        replace(each, wording=replace(each.wording, attempts=2, problems=(reversed_.reason, aloud)))
        for each in talk.messages
    ]
    own = [each for each in worded if each.seat == "creditor"]
    twice = [*worded, *worded[:1]]
    values, counts, told = measures.measure(replace(talk, messages=tuple(twice)), [{}] * len(twice), default_detector())
    shown = [each.emotion for each in own if each.emotion] + [own[0].emotion]
    assert {emotion: times for emotion, (times, _) in told.items()} == Counter(shown)
    assert sum(heard for _, heard in told.values()) == values["emotion"] > 0
    assert values["reversed"] == values["aloud"] == counts["aloud"] == len(own) + 1
    assert 0 < values["said again"] < counts["said again"]  # the opening is said a second time
    moods = [each.mood for each in talk.messages if each.seat == "debtor"]
    assert values["mood"] == moods[-1] - moods[0]


def test_worlds_are_what_matches_are_alike_in(code, played):
    found = code[1].Played.read(played, [("one", 1), ("two", 1)], [], default_detector(), 0)
    assert found.debtors == ["world 1", "world 2"]
    assert len({(match.cluster, match.repeat) for match in found.matches if match.row == "one"}) == 12


# The page, on invented results: the row's gain over 0.5 on every match, whatever else it is.

TRAINED = ("IQL, SFT", "IQL, SFT + JPO", "IQL, SFT + JPO with kappa 0", "IQL, SFT + DPO")
SHIPPED = SETTINGS["shipping"]["incumbent"]
POLICIES = {"vanilla": "vanilla", "best fixed": "fixed:confusion", "IQL": "emodistill"}
ROWS = {"vanilla, untuned": 0.0, "best fixed, templates": 0.2, "best fixed, SFT": 0.1, "vanilla, SFT": 0.05}


def invented(measures, gains, debtors, right=None):
    """Matches of each row with its gain, and less so in scenario 1, for two trainings where it is trained."""
    matches = []
    for (row, gain), debtor, scenario in product(gains.items(), debtors, range(4)):
        for training in (1, 2) if "IQL" in row else (1,):
            values = {
                "utility": 0.5 + gain - 0.01 * (scenario == 1) + 0.02 * (training == 2), "success": 1.0, "tokens": 20.0,
                "first try": (right or {}).get(row, 1.0), "repaired": 0.0, "emotion": 1.0, "feeling": 1.0,
                "said again": 0.0, "reversed": 0.0, "aloud": 0.0, "violations": 0.0, "calmer": 0.1,
                "mood": 0.2 - 0.5 * (debtor == "fear") * ("IQL" in row),
            }  # fmt: skip
            counts = dict.fromkeys(values, 1.0)
            asked = {"joy": (2, 1)}
            matches.append(measures.Match(row, training, debtor, scenario, 0, values, counts, asked))
    return measures.Played(matches)


@pytest.fixture
def page_of(code):
    _, measures, page, _ = code

    def make(seen, unseen, worlds=None, right=None, incumbent=0.0):
        """The page's lines where trained rows gain so much over untuned words on seen and unseen debtors."""
        learned, others = SETTINGS["debtors"]["learned"], SETTINGS["debtors"]["unseen"]
        both = [invented(measures, {**ROWS, **dict.fromkeys(TRAINED, gain), SHIPPED: incumbent}, names)
                for gain, names in ((seen, learned), (unseen, others))]  # fmt: skip
        played = {
            "debtors": measures.Played([match for one in both for match in one.matches]),
            "choice": invented(
                measures, {TRAINED[0]: seen, TRAINED[1]: seen + 0.1, SHIPPED: incumbent}, learned, right
            ),
        }
        if worlds is not None:
            played["worlds-unseen"] = invented(
                measures, {**ROWS, **dict.fromkeys(TRAINED, worlds)}, ["world 1", "world 2"]
            )
        settings = {**SETTINGS, "trainings": [1, 2], "size": "page", "fixed": "fixed:joy"}
        return page.Page(settings, played)

    return make


def test_the_first_sentence_says_that_nothing_beats_a_constant(page_of):
    made = page_of(0.4, 0.15, worlds=0.3)
    first = made.head()[2]
    assert first.startswith("**Nothing that was trained here is shown to earn more than one constant emotion")
    assert "over `best fixed, templates`, `IQL, SFT + JPO` gains -0.040" in first
    assert "on unseen debtors" in first
    assert "+0.110" in first
    assert "in unseen worlds" in first


def test_the_first_sentence_says_what_is_gained_on_unseen_debtors(page_of):
    made = page_of(0.0, 0.3)
    first = made.head()[2]
    assert first.startswith("**On debtors that no training saw, IQL, SFT and IQL, SFT + JPO")
    assert "gains +0.110" in first
    assert "Over vanilla, untuned: +0.310" in made.head()[4]


def test_a_gain_that_chance_may_have_made_is_none(code):
    sentence = code[2].first_sentence
    open_, sure = Estimate(0.1, -0.01, 0.21), Estimate(0.1, 0.01, 0.19)
    assert "Nothing that was trained" in sentence("a", "best fixed, SFT", {"a": open_}, {"unseen debtors": open_})
    assert "Nothing" not in sentence("a", "best fixed, SFT", {"a": sure}, {"unseen debtors": sure})
    assert "`b`, +0.200" in sentence("a", "c", {"a": open_, "b": Estimate(0.2, -1, 1)}, {"unseen debtors": open_})


def test_what_ships_is_chosen_by_the_rule(page_of):
    assert page_of(0.1, 0.1).choice == ("IQL, SFT + JPO", 2)
    assert page_of(0.1, 0.1, right={TRAINED[1]: 0.5}).choice == ("IQL, SFT", 2)
    nothing = page_of(0.1, 0.1, right=dict.fromkeys((*TRAINED, SHIPPED), 0.5))
    assert nothing.choice is None
    assert "nothing ships" in nothing.head()[4]
    assert "unfit" in "\n".join(nothing.shipped())


def test_the_incumbent_stays_unless_a_candidate_earns_more(page_of):
    kept = page_of(0.1, 0.15, incumbent=0.3)
    assert kept.choice == ("as shipped", 1)
    assert "over `best fixed, templates`, `IQL, SFT + JPO` gains -0.040" in kept.head()[2]  # not the incumbent
    assert "`emodistill` stays as it was" in kept.head()[4]
    assert "it gains +0.100" in kept.head()[4]
    assert page_of(0.1, 0.15, incumbent=0.15).choice == ("IQL, SFT + JPO", 2)


def test_debtors_that_get_worse_are_named(page_of):
    text = "\n".join(page_of(0.1, 0.1).treated())
    assert "**Worse off than under vanilla, untuned**: `fear` under IQL, SFT (surely)" in text
    assert "`angry` under" not in text


def test_the_page_says_what_is_missing_and_what_is_there(page_of):
    made = page_of(0.1, 0.3)
    lines = [
        line for part in (made.earned, made.over_constant, made.steps, made.said, made.emotions) for line in part()
    ]
    assert "| IQL, SFT | 0.807 [" in "\n".join(lines)
    assert "+0.297 to +0.317" in "\n".join(lines) or "+0.300 to +0.320" in "\n".join(lines)
    assert "medical: not played yet." in made.elsewhere()
    assert "Not played yet." in made.duel()


def test_the_page_is_written_from_what_is_played(code, experiment, tmp_path):
    """Without a model: rows in templates alone, against a persona and in a world."""
    page = code[2]
    settings = {
        **SETTINGS,
        "detectors": {"reward": str(ARTIFACT), "world": str(ARTIFACT), "measure": "lexical"},
        "policies": POLICIES,
        "words": {"templates": "@scripted"},
        "creditors": {},
        "baseline": "vanilla, templates",
        "shipping": {**SETTINGS["shipping"], "candidates": ["IQL, templates"]},
        "sizes": {"small": {**SETTINGS["sizes"]["quick"], "rows": [f"{name}, templates" for name in POLICIES]}},
    }
    made = experiment("small", settings)
    sample_worlds(made.runs / "worlds", read_prior(None), worlds=4, seed=1)
    for words in made.playing():
        if words[-1].endswith(("/debtors", "/worlds-unseen")):
            assert CliRunner().invoke(app, [*words, "--workers", "1"]).exit_code == 0
    page.write_page(made, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert re.search(r"^\*\*(Nothing that was trained|On debtors that no training saw)", text, re.MULTILINE)
    with Store.read(made.runs / "play" / "debtors") as store:
        unseen = np.mean([row.creditor_utility for row in store.rows() if (row.creditor, row.debtor) == (2, 1)])
    assert f"| IQL, templates | {unseen:.3f}" in text
    assert "gain, unseen worlds" in text
    assert "part 1/1 of GoEmotions" in text
    assert str(made.runs) not in text
    assert "poise train sft --data runs/pairs" in text
    assert text.count("not played yet") + text.count("Not played yet") == 5


def test_without_the_main_tournament_there_is_no_page(code):
    with pytest.raises(SystemExit, match="not played yet"):
        code[2].Page({**SETTINGS, "trainings": [1], "size": "page"}, {})
