"""The providers, one a file: each file's PROVIDER is found by the scheme of a model URI, and listed nowhere else."""
