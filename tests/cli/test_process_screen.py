"""`poise tournament process` on narrow terminals: tables come in parts, and no cell is cut off."""

import io

from hypothesis import given
from hypothesis import strategies as st

from poise.cli.screens.console import TextConsole
from poise.cli.screens.process import tables_within

cells = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=22)
columns = st.integers(2, 9)


@st.composite
def told(draw):
    width = draw(columns)
    heads = [f"h{place}{draw(cells)}" for place in range(width)]
    return heads, draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=4))


@given(told(), st.integers(46, 130))
def test_every_cell_is_shown_whole_within_the_width(table, width):
    heads, rows = table
    parts = list(tables_within(width, heads, rows))
    shown = io.StringIO()
    screen = TextConsole(file=shown, width=width, color_system=None)
    for part in parts:
        screen.print(part)
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for cell in (*heads[1:], *(cell for row in rows for cell in row[1:])):
        assert any(cell in line for line in lines), cell
    assert sum(len(part.columns) - 1 for part in parts) == len(heads) - 1
    assert all(part.columns[0].header == heads[0] for part in parts)


def test_a_table_that_fits_is_one():
    assert len(list(tables_within(80, ["agent", "n"], [["vanilla", "3"]]))) == 1
