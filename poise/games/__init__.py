"""What can happen: scenarios, the rules, the OpenSpiel game, the transcript. No model, no graph, no network."""
