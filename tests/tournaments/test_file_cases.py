"""Files as spreadsheets and editors leave them: a debt file that is read or refused in words, TOML with a mark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from poise.agents.conduct.checker import Checker
from poise.agents.conduct.rulebook import RULES
from poise.agents.personas import load_persona
from poise.agents.registry import find_agent
from poise.common.errors import ScenarioError
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import load_config

HEAD = (
    "Creditor Name,Debtor Name,Credit Type,Original Amount (USD),Outstanding Balance (USD),Creditor Target Days,"
    "Debtor Target Days,Days Overdue,Purchase Purpose,Reason for Overdue,Business Sector,Collateral,Recovery Stage,"
    "Cash Flow Situation,Proposed Solution,Interest Accrued (USD)"
)
ALDER = (
    "Alder Finance,Birch Bakery,Equipment loan,32000.50,15700.25,14,90,133,Ovens,A flood,Food,None,Early,Tight,Rates,1"
)
CEDAR = (
    "Cedar Bank,Dale Dairy,Working capital,21000,9000,10,60,45,Feed,Lost client,Farming,Tractor,Legal,Broken,Other,80"
)
ROWS = f"{HEAD}\n{ALDER}\n{CEDAR}\n"
MARK = b"\xef\xbb\xbf"


def quoted(text: str) -> str:
    return "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())


@pytest.mark.parametrize(
    "content",
    [
        MARK + quoted(ROWS).encode(),
        ROWS.replace("\n", ",,,\n").encode(),
        MARK + ROWS.replace("\n", "\r\n").encode(),
    ],
    ids=["mark and quotes", "trailing commas", "mark and line ends"],
)
def test_a_file_that_can_be_told_is_read(tmp_path, content):
    (tmp_path / "debts.csv").write_bytes(content)
    scenarios = load_scenarios(str(tmp_path / "debts.csv"))
    assert [(each.creditor_target, each.debtor_target) for each in scenarios] == [(14, 90), (10, 60)]
    assert "15700.25" in json.dumps(dict(scenarios[0].context)).replace(",", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ROWS.replace(",", ";"), "separated by commas"),
        (f"sep=,\n{ROWS}", "'sep=,' is for a spreadsheet; take that line out"),
        (ROWS.replace("15700.25", '"15,700.25"'), "'15,700.25' is not an amount; write it as 15700"),
    ],
    ids=["semicolons", "a line that names the separator", "thousands"],
)
def test_any_other_is_refused_in_words(tmp_path, content, words):
    (tmp_path / "debts.csv").write_text(content, encoding="utf-8", newline="\r\n")
    with pytest.raises(ScenarioError, match=words):
        load_scenarios(str(tmp_path / "debts.csv"))


def test_toml_with_a_byte_order_mark_is_read(tmp_path: Path):
    settings = tmp_path / "settings.toml"
    settings.write_bytes(MARK + b'creditors = ["vanilla"]\r\ndebtors = ["angry"]\r\nmatches_per_pair = 1\r\n')
    assert load_config(settings).matches_per_pair == 1
    persona = tmp_path / "gloomy.toml"
    persona.write_bytes(MARK + b'like = "sad"\r\n')
    assert load_persona(persona).name == "gloomy"
    table = tmp_path / "table.toml"
    table.write_bytes(MARK + b'joy = "gratitude"\r\n')
    assert find_agent(f"lookup:{table}", "creditor").make_policy()
    marked = tmp_path / "rules"
    shutil.copytree(RULES, marked)
    for file in marked.glob("*.toml"):
        file.write_bytes(MARK + file.read_bytes())
    assert Checker.from_files([*marked.glob("*.toml")]).check("You idiot!") == Checker.from_files().check("You idiot!")
