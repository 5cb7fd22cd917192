"""Your own agent graph: the usual turn, with a node that thinks again before it speaks.

Draw and play it:

    poise graph draw examples/second_thoughts.py --format svg --out second_thoughts.svg
    poise tournament run --creditor examples/second_thoughts.py --debtor threatening --out runs/second
"""

from langgraph.graph import END, START

from poise import graph_agent
from poise.graphs import SeatState, Turn, decide, empty_seat_graph, feel, perceive, speak

HEATED = {"anger", "annoyance", "disapproval", "disgust"}


def think_again(state: SeatState) -> Turn:
    """Answer a heated debtor with caring."""
    reading = state.memory.readings[-1] if state.memory.readings else None
    if reading is not None and reading.label in HEATED:
        return {"emotion": "caring"}
    return {}


@graph_agent("second-thoughts", seat="creditor")
def second_thoughts():  # noqa: ANN201 - the graph's type is LangGraph's business
    """Vanilla, but calm when the debtor is heated."""
    graph = empty_seat_graph()
    for node in (perceive, feel, think_again, decide, speak):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "perceive")
    graph.add_edge("perceive", "feel")
    graph.add_edge("feel", "think_again")
    graph.add_edge("think_again", "decide")
    graph.add_edge("decide", "speak")
    graph.add_edge("speak", END)
    return graph
