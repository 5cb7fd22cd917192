"""Models: what a URI names, and how it is called."""
