"""Learning: optimisers that are asked for what to try and told how it went, and artifacts, what training leaves behind.

Nothing here plays a negotiation; `poise.training.online.train` does, and tells.
"""
