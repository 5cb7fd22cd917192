"""CPU seconds of `poise --help`, and of Python doing nothing, in turn.

python benchmarks/cli.py
"""

import resource
import statistics
import subprocess
import sys


def cpu(command: list[str]) -> float:
    """User and system seconds of one finished run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the medians of nine runs each."""
    both = [(cpu([sys.executable, "-m", "poise", "--help"]), cpu([sys.executable, "-c", "pass"])) for _ in range(9)]
    helped, nothing = (statistics.median(column) for column in zip(*both, strict=True))
    print(f"poise --help  {helped:.3f} s of CPU (bound 0.1 on a quiet machine)")
    print(f"python -c pass {nothing:.3f} s of CPU; ratio {helped / nothing:.1f}")


if __name__ == "__main__":
    main()
