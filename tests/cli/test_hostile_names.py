"""Names that look like markup or hold control characters, and terminals of every encoding."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tournament_fakes import config, schedule
from helpers.view_fakes import client, fake_matches
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.cli import output
from poise.cli.app import app
from poise.cli.screens import console as screens
from poise.common.progress import ProgressDisplay
from poise.common.words import visible
from poise.tournaments.board import Board

FOLDER = "[red]a[/x]:smile:\x1b]0;PWNED\x07\x1b[31m\u202e$\\frac{<b>&*_`|#\u200b"
CASE = "".join(filter(str.isprintable, FOLDER))  # a scenario with control characters is refused
NAME = f"{FOLDER}/m.py"
SHOWN = visible(NAME)
AGENT = '''from poise import agent


@agent("mine", seat="creditor")
def mine(view):
    """Shows joy."""
    return "joy"
'''
run_cli = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished tournament in which an agent, the folder and a scenario have a hostile name.

    Two agents are called "mine", so that they are shown as they were entered.
    """
    here = tmp_path_factory.mktemp("hostile")
    before = Path.cwd()
    os.chdir(here)
    try:
        Path(FOLDER).mkdir(parents=True)
        Path(NAME).write_text(AGENT)
        Path("other.py").write_text(AGENT.replace("joy", "anger"))
        case = {"domain": "debt", "creditor_target": 20, "debtor_target": 90}
        Path("cases.jsonl").write_text("\n".join(json.dumps({**case, "id": f"{CASE}{n}"}) for n in range(3)))
        told = ["--creditor", NAME, "--creditor", "other.py", "--creditor", "vanilla"]
        told += ["--debtor", "angry", "--debtor", "sad"]
        ran = poise_says(
            "tournament", "run", *told, "--scenarios", "cases.jsonl", "--workers", "1", "--out", FOLDER + "/run"
        )
        assert SHOWN[:20] in unwrapped(ran)
        yield here / FOLDER / "run"
    finally:
        os.chdir(before)


def poise_says(*words, code=0):
    result = run_cli.invoke(app, list(map(str, words)))
    assert result.exit_code == code, result.output
    assert_harmless(result.output)
    return result.output


def assert_harmless(text):
    assert visible(text) == text, [character for character in text if visible(character) != character]


def unwrapped(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    "words",
    [
        ["agents", "check", NAME],
        ["agents", "check", FOLDER],
        ["graph", "draw", NAME],
        ["graph", "draw", FOLDER],
        ["tournament", "standings", FOLDER],
        ["tournament", FOLDER],
        ["tournament", "standings", "x", FOLDER],
        ["tournament", "run", f"--{FOLDER}"],
        ["tournament", "run", "--creditor", FOLDER, "--debtor", "angry"],
        ["tournament", "run", "--creditor", "vanilla", "--debtor", "angry", "--scenarios", FOLDER],
        ["tournament", "run", "--creditor", "vanilla", "--debtor", "angry", "--option", f"{FOLDER}=1", "--dry-run"],
        ["tournament", "run", "--creditor", NAME, "--debtor", "angry", "--dry-run"],
        ["play", "--against", FOLDER],
        ["train", "q", "--debtor", FOLDER],
        ["view", f"{FOLDER}-not-here"],
    ],
)
def test_what_is_typed_is_quoted_without_obeying_it(folder, words):
    assert_harmless(run_cli.invoke(app, words).output)


COMMANDS = (
    "standings", "standings --json", "ratings", "ratings --json", "power", "solve", "solve --json", "process",
    "process --pairs", "report", "verify", "resume", "agreement --judge rules", "agreement --judge rules --json",
    "rescore --rule faithful", "export --to out.csv", "export --to out.parquet --table messages",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_a_name_control_the_terminal_or_be_markup(folder, command):
    name, *rest = command.split()
    told = poise_says("tournament", name, folder, *rest)
    if name in ("standings", "ratings", "process", "rescore") and "--json" not in rest:
        assert "[red]a[/x]:smile:" in unwrapped(told), "it is shown as it is, and neither a colour nor an emoji"
    if name == "standings" and "--json" in rest:
        assert json.loads(told)["creditors"][0]["label"] in (NAME, "vanilla")


def test_pages_and_files_hold_nothing_that_cannot_be_seen(folder):
    assert_harmless((folder / "report.html").read_text())
    browser = client(folder)
    listed = browser.get("/")
    pages = ["/", *re.findall(r'href="(/run/[^"]+/)"', listed.text)]
    first = pages[1]
    pages += [f"{first}matches", f"{first}match/0", f"{first}match/0.json", "/play"]
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert_harmless(answer.text)
        assert_harmless(str(answer.headers))
    poise_says("tournament", "solve", folder, "--figures", "figures")
    poise_says("graph", "traverse", folder, "--out", "t.svg")
    for file in [*Path("figures").iterdir(), Path("t.svg")]:
        assert_harmless(file.name)
        assert_harmless(file.read_text())


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_a_name_as_text(terminal, monkeypatch):
    plan = schedule(config(2, 1))
    for entrant in plan.creditors:
        object.__setattr__(entrant, "label", FOLDER)
    board = Board(plan, {})
    out = io.StringIO()
    screen = screens.TextConsole(file=out, width=200, force_terminal=terminal)
    monkeypatch.setattr("poise.common.progress._READ_SECONDS", -1.0)
    with ProgressDisplay(screen) as progress:
        progress.begin("matches", plan.total, 0, FOLDER, board.tables)
        progress.remark(FOLDER)
        board.add(list(fake_matches(plan)))
        progress.advance(plan.total)
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", out.getvalue())
    assert_harmless(told)
    assert "[red]a[/x]:smile:" in told


@given(st.text(st.characters()))
def test_a_console_shows_every_text_and_nothing_else(text):
    out = io.StringIO()
    screens.TextConsole(file=out, width=10_000, force_terminal=True).print(text, soft_wrap=True)
    assert_harmless(out.getvalue().replace("\x1b[0m", ""))


ENCODINGS = ("ascii", "latin-1", "cp932", "cp1252", "utf-8")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "words", ["tournament standings", "tournament process", "tournament standings --json", "agents list"]
)
def test_every_encoding_can_show_it(folder, encoding, words, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    output.fit_streams()
    group, name, *rest = words.split()
    app([group, name, *([str(folder)] if group == "tournament" else []), *rest], standalone_mode=False)
    out.flush()
    told = out.buffer.getvalue().decode(encoding)
    assert "vanilla" in told
    assert_harmless(told)
    if "--json" in rest:
        json.loads(told)


@given(st.text(st.characters()), st.sampled_from(ENCODINGS))
def test_any_text_can_be_said_in_any_encoding(text, encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    before, sys.stdout = sys.stdout, out
    try:
        output.fit_streams()
        output.write_line(text)
    finally:
        sys.stdout = before
    told = out.buffer.getvalue().decode(encoding)
    assert told == visible(text) + "\n" or encoding != "utf-8"
    kept = [character for character in text if character.isascii() and character.isprintable()]
    assert not [character for character in kept if character not in told]


def test_a_whole_run_in_another_encoding_ends_well(tmp_path):
    """As in case E7: after the last match came an error instead of the standings, and no report was written."""
    words = ["--creditor", "vanilla", "--debtor", "angry", "--matches-per-pair", "3", "--workers", "1", "--out", "run"]
    ran = subprocess.run(
        [sys.executable, "-m", "poise", "tournament", "run", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert b"report: run/report.html" in ran.stdout
    assert (tmp_path / "run" / "report.html").stat().st_size


def test_nothing_is_shown_beside_the_one_console():
    """A console or a bar of rich's own would read names as markup, and typer's echo would let them control it."""
    for file in Path(output.__file__).parent.rglob("*.py"):
        text = file.read_text()
        assert file.name == "console.py" or not re.search(r"\bConsole\(|from_markup|Text\.from_ansi", text), file
        assert file.name == "app.py" or not re.search(r"typer\.s?echo\(|typer\.secho\(", text), file
        assert not re.search(r"TextColumn\((?![^)]*markup=False)", text), file
