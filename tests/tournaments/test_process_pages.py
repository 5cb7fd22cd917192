"""Process figures at the terminal, as files, in the report and in notebooks."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.process_talks import drawn
from helpers.tournament_fakes import OpenFake, Pairing, config, schedule
from test_report import HOSTILE, make_folder
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.plain_tables import PlainTable, html_tables
from poise.games.transcript import Usage
from poise.tournaments.process import measure_process
from poise.tournaments.process.concession import GRID
from poise.tournaments.process.lines import LINE, lines
from poise.tournaments.report.page import write_report
from poise.tournaments.report.process_section import curves
from poise.tournaments.results import Result
from poise.tournaments.statistics.ratings import rate_tournament
from poise.tournaments.statistics.results import Standings
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store, read_snapshot
from poise.tournaments.workers.queue import TaskPlayer, TaskQueue, WorkerPlan

SPENT = {"prompt_tokens": 90.0, "cached_tokens": 60.0, "reply_tokens": 11.0, "model_seconds": 0.25}


class Talking(Pairing):
    """Long talks of the kind that a model has: offers that wander, emotions, beliefs, what each message cost."""

    def play(self, scenario, seed):
        played = super().play(scenario, seed)
        one = drawn(seed % 1000)
        said = tuple(
            replace(message, text="I hear you, and I would rather pay a little later. " * 4) for message in one.messages
        )
        told = replace(played.transcript, scenario=scenario, messages=said, outcome=one.outcome)
        return replace(played, transcript=told, usage=Usage(seconds=1.0, per_message=(SPENT,) * len(said)))


class OpenTalking(OpenFake):
    def __call__(self, pair):
        return Talking(self.plan, pair, 0.0, self.trouble)


def played(folder, cases, names=("c0", "c1")):
    plan = schedule(config(), cases)
    agents = [{"label": name, "declared": {}} for name in names], [{"label": f"d{n}", "declared": {}} for n in range(2)]
    told = {"poise": "0.1.0", "python": "3.11", "folder": "/home/ada", "packages": {}}
    header = Header(plan.id, config().model_dump(mode="json"), *agents, len(plan.matches), told)
    player = TaskPlayer(WorkerPlan(plan, config().rules, OpenTalking(plan)))
    queue = TaskQueue.of(plan, {})
    with Store.create(folder, header, plan.scenarios) as store:
        while task := queue.take(99):
            store.add(list(player.play(task)))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return played(tmp_path_factory.mktemp("runs") / "talks", 4)


def test_every_group_is_measured_and_groups_add_up(folder):
    found = measure_process(folder)
    assert found.negotiations == found.pooled.negotiations == 16
    assert [one.creditor for one in found.creditors] == ["c0", "c1"]
    assert [(one.creditor, one.debtor) for one in found.pairs] == [(c, d) for c in ("c0", "c1") for d in ("d0", "d1")]
    for whole, parts in ((found.pooled, found.creditors), (found.creditors[0], found.pairs[:2])):
        assert whole.negotiations == sum(part.negotiations for part in parts)
        for key, one in whole.transitions.items():
            assert np.array_equal(one.counts, sum(part.transitions[key].counts for part in parts))


def test_the_command_shows_every_topic_and_writes_json(folder, tmp_path):
    shown = CliRunner().invoke(app, ["tournament", "process", str(folder), "--pairs"])
    assert shown.exit_code == 0, shown.output
    for words in ("Concession", "Anchoring", "Messages until", "solutions", "Words", "Cost", "people", "Calibration"):
        assert words in shown.output
    assert "c0 against d1" in shown.output
    out = tmp_path / "deep" / "process.json"
    written = CliRunner().invoke(app, ["tournament", "process", str(folder), "--scale", "targets", "--json", str(out)])
    assert written.exit_code == 0, written.output
    told = json.loads(out.read_text())
    assert (told["version"], told["scale"], len(told["pairs"])) == (1, "targets", 4)
    assert told["pooled"]["concession"]["creditor"]["time"] == list(GRID)
    wrong = CliRunner().invoke(app, ["tournament", "process", str(folder), "--scale", "sideways"])
    assert wrong.exit_code == 1
    assert "offers and targets" in wrong.output


def test_a_line_for_every_figure(folder):
    told = list(lines(measure_process(folder)))
    assert all(len(line) == len(LINE) for line in told)
    keys = [line[:6] for line in told]
    assert len(set(keys)) == len(keys), "no figure twice"
    tokens = [line for line in told if line.figure == "reply_tokens per message" and line.creditor is None]
    assert [(line.seat, line.mean) for line in tokens] == [
        ("creditor", pytest.approx(11)),
        ("debtor", pytest.approx(11)),
    ]


def test_costs_of_messages_and_where_they_come_from_are_in_the_frames(folder):
    pytest.importorskip("pandas")
    from poise.tournaments.export import frame, messages_frame, process_frame

    messages = messages_frame(folder)
    assert set(messages["reply_tokens"]) == {11}
    assert set(messages["model_seconds"]) == {0.25}
    assert len(process_frame(folder)) == len(list(lines(measure_process(folder))))
    told = frame(folder, "provenance")
    assert told.set_index("name")["value"]["provenance.poise"] == "0.1.0"
    assert "/home/ada" not in told.to_string() + json.dumps(told.attrs["poise"])


def test_scripted_messages_have_no_cost(tmp_path):
    pytest.importorskip("pandas")
    from poise.tournaments.export import messages_frame

    assert messages_frame(make_folder(tmp_path))["reply_tokens"].isna().all()


def test_the_report_of_500_matches_is_one_file_below_10_megabytes(tmp_path):
    page = write_report(played(tmp_path / "many", 125))
    assert page.stat().st_size < 10_000_000
    text = page.read_text()
    assert text.count('id="match-') == 500
    assert "How negotiations went" in text
    assert text.count('<table class="chain">') == 4


def test_the_section_holds_only_what_the_policy_allows_and_hostile_names_stay_text(tmp_path):
    page = write_report(played(tmp_path / "run", 2, (HOSTILE, "c1"))).read_text()
    part = page[page.index('<section id="process"') : page.index('<section id="matches"')]
    assert " style=" not in part
    assert "<script" not in part
    assert "<img" not in part
    assert "&lt;/script&gt;&lt;img" in part


def test_curves_stay_in_their_picture(folder):
    for scale in ("offers", "targets"):
        drawn_ = str(curves(measure_process(folder, scale).pooled.curves))
        for points in re.findall(r'points="([^"]+)"', drawn_):
            for x, y in (point.split(",") for point in points.split()):
                assert 0 <= float(x) <= 560
                assert 0 <= float(y) <= 240


def test_nothing_to_measure_is_said_and_leaves_the_section_out(tmp_path):
    folder = make_folder(tmp_path)
    with Store.open(folder) as store:
        store._db.execute("DELETE FROM documents")
        store._db.execute("DELETE FROM matches")
        store._db.commit()
    result = CliRunner().invoke(app, ["tournament", "process", str(folder)])
    assert result.exit_code == 1
    assert "nothing to measure" in result.output


def test_notebooks_show_tables_and_every_text_is_escaped(folder, tmp_path):
    standings = read_standings(folder, draws=100)
    assert standings._repr_html_().count("<table>") == 2
    assert "<table>" not in Result(tmp_path, 16, 0, 0)._repr_html_(), "nothing is finished yet"
    assert measure_process(folder)._repr_html_().count("<table>") > 8
    assert rate_tournament(read_snapshot(folder))._repr_html_().count("<tr>") == 5
    hostile = html_tables([PlainTable(HOSTILE, [HOSTILE], [[HOSTILE]], HOSTILE)], HOSTILE)
    assert "<script" not in hostile
    assert "<img" not in hostile
    assert isinstance(standings, Standings)
