"""A person in a seat: graph, session, checkpoints."""
