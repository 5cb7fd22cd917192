"""Drawings are made without a network, and show the true graph."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from helpers.paths import GOLDEN, ROOT
from matplotlib.figure import Figure
from typer.testing import CliRunner

from poise.agents.registry import find_agent
from poise.cli.app import app
from poise.common.errors import BadInput
from poise.graphs import negotiation_graph, seat_graph, studio
from poise.graphs.drawing.draw import draw, picture_of, places_of, to_networkx
from poise.graphs.drawing.outline import USUAL, negotiation_outline

GOLDEN = GOLDEN / "negotiation.mmd"
SECOND_THOUGHTS = ROOT / "examples" / "second_thoughts.py"


@pytest.fixture(scope="module")
def negotiation():
    return negotiation_graph(seat_graph().compile(), seat_graph().compile()).compile()


def test_the_negotiations_mermaid_text_is_the_golden_one(negotiation, request):
    text = draw(negotiation, "mermaid").decode()
    if request.config.getoption("--regenerate-goldens"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_each_seats_router_goes_to_the_other_seat_or_the_end(negotiation):
    picture = to_networkx(negotiation.get_graph(xray=False))
    ways = {(source, target) for source, target, data in picture.edges(data=True) if data["conditional"]}
    assert ways == {("creditor", "debtor"), ("debtor", "creditor"), ("creditor", "__end__"), ("debtor", "__end__")}


def test_an_svg_names_every_node_and_is_the_same_every_time(negotiation):
    svg = draw(negotiation, "svg")
    words = {element.text.strip() for element in ET.fromstring(svg).iter() if element.text and element.text.strip()}
    assert {"start", "end", "perceive", "feel", "decide", "speak", "creditor", "debtor"} <= words
    assert draw(negotiation, "svg") == svg


def test_a_png_is_a_png(negotiation):
    assert draw(negotiation, "png").startswith(b"\x89PNG\r\n\x1a\n")


def test_an_agents_own_node_is_drawn():
    graph = find_agent(str(SECOND_THOUGHTS), "creditor").make_graph().compile()
    assert "think_again" in draw(graph, "mermaid").decode()
    assert b"think_again" in draw(graph, "svg")


def test_another_format_is_refused(negotiation):
    with pytest.raises(BadInput, match="'gif' is not one of mermaid, svg, png"):
        draw(negotiation, "gif")


class TestStudio:
    """The graphs of langgraph.json play from JSON alone."""

    def test_the_negotiation_needs_no_input(self):
        result = studio.negotiation().invoke({}, context={"debtor": "sad", "seed": 3}, config={"recursion_limit": 50})
        assert result["outcome"].ending == "deal"
        assert result["messages"][0].seat == "creditor"

    def test_a_seat_answers_the_talks_so_far(self):
        said = [{"seat": "creditor", "text": "Pay within 20 days.", "value": 20}]
        answer = studio.debtor().invoke({"said": said}, context={"debtor": "angry"})["answer"]
        assert (answer["seat"], answer["kind"]) == ("debtor", "offer")
        opening = studio.creditor().invoke({"said": []})["answer"]
        assert opening["seat"] == "creditor"

    def test_bad_input_is_told_in_words(self):
        outcome = studio.negotiation().invoke({}, context={"case": 900})["outcome"]
        assert "case 900 is outside 0 to 99" in outcome.reason
        answer = studio.debtor().invoke({"said": [{"seat": "creditor", "value": 20}]})["answer"]
        assert "has no 'text'" in answer["error"]


def test_a_compiled_graph_is_drawn_as_it_is(tmp_path):
    (tmp_path / "own.py").write_text(
        "from poise import graph_agent\nfrom poise.graphs import seat_graph\n"
        "@graph_agent('own')\ndef own():\n    return seat_graph().compile()\n"
    )
    drawn = CliRunner().invoke(app, ["graph", "draw", str(tmp_path / "own.py")])
    assert "perceive --> feel;" in drawn.output


@pytest.mark.parametrize("judged", [False, True])
def test_every_arrow_begins_and_ends_at_a_box(judged, monkeypatch):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *out, **how: (figures.append(figure), save(figure, *out, **how))
    )
    picture = negotiation_outline(USUAL, USUAL, judged=judged)
    picture_of(picture, "png")
    (axes,) = figures[0].axes
    figures[0].draw_without_rendering()
    drawn = [patch.get_window_extent() for patch in axes.patches if patch.get_zorder() == 3]
    boxes = dict(zip(places_of(picture, picture.edges), drawn, strict=True))
    arrows = [text.arrow_patch for text in axes.texts if getattr(text, "arrow_patch", None)]
    points = 3 * figures[0].dpi / 72  # the gap, and half a line
    for (source, target), arrow in zip(picture.edges, arrows, strict=True):
        vertices = arrow.get_transform().transform(arrow.get_path().vertices)
        assert min(gap(vertex, boxes[source]) for vertex in vertices) < points
        assert min(gap(vertex, boxes[target]) for vertex in vertices) < points


def gap(point, box):
    x, y = point
    return math.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))
