"""CPU seconds of the commands that should answer at once, and of Python doing nothing, in turn.

python benchmarks/cli.py
"""

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FIELD = ("tournament", "run", "--creditor", "vanilla", "--debtor", "angry")
FIRST = str(Path(__file__).parents[1] / "examples" / "first.toml")
GOALS = {  # seconds of CPU on a quiet machine
    ("--help",): 0.1,
    ("agents", "list"): 0.3,
    ("tournament", "run", FIRST, "--dry-run"): 0.3,
    (*FIELD, "--matches-per-pair", "1000000", "--dry-run"): 0.3,
    (*FIELD, "--matches-per-pair", "1", "--scenarios", "builtin:0"): 1.0,
}


def cpu(command: list[str], folder: str) -> float:
    """User and system seconds of one finished run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the medians of five runs each."""
    commands = [("-c", "pass"), ("-c", "import langgraph.graph"), *(("-m", "poise", *words) for words in GOALS)]
    with tempfile.TemporaryDirectory() as folder:
        rounds = [[cpu([sys.executable, *words], folder) for words in commands] for _ in range(5)]
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    for words, seconds in zip(commands, medians, strict=True):
        goal = f"  (goal {GOALS[words[2:]]:g})" if words[2:] in GOALS else ""
        print(f"{seconds:.3f} s  {seconds / medians[0]:5.1f} times Python  {' '.join(words)}{goal}")


if __name__ == "__main__":
    main()
