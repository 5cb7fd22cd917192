"""How one negotiation runs: state, nodes, the seat graphs, the negotiation graph, drawings."""
