"""Models that play in the process, by llama.cpp."""
