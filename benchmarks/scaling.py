"""Two workers against one, and the memory and resume time of 10,000 LLM-free matches.

python benchmarks/scaling.py
"""

import json
import subprocess
import sys
import tempfile
import time

SIZES = (4, 20, 100, 400, 1000, 4000)
CHILD = """
import json, resource, sys, time
import poise.graphs
from poise import TournamentConfig, run_tournament
from poise.agents.emotions.detector import default_detector
default_detector()
matches, workers, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
config = TournamentConfig(creditors=("vanilla", "random"), debtors=("vanilla", "sad"),
                          matches_per_pair=matches // 4, workers=workers, seed=1)
began = time.perf_counter()
run_tournament(config, folder)
seconds = time.perf_counter() - began
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"seconds": seconds, "peak_mb": peak / 1024}))
"""


def run(matches: int, workers: int, folder: str) -> dict[str, float]:
    """One tournament in a process of its own; a second one in the same folder resumes it."""
    command = [sys.executable, "-c", CHILD, str(matches), str(workers), folder]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(printed.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print the ratios, then the large tournament."""
    print("matches   one worker   two workers   ratio (bounds: 0.9; 1.5 from two seconds of work)")
    for matches in SIZES:
        times = {1: 1e9, 2: 1e9}
        for _ in range(3):
            for workers, best in times.items():
                with tempfile.TemporaryDirectory() as folder:
                    times[workers] = min(best, run(matches, workers, folder)["seconds"])
        print(f"{matches:7}   {times[1]:8.2f} s   {times[2]:9.2f} s   {times[1] / times[2]:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        first = run(10_000, 2, folder)
        began = time.perf_counter()
        again = run(10_000, 2, folder)
        whole = time.perf_counter() - began
    print(f"10,000 matches: {first['seconds']:.1f} s, largest process {first['peak_mb']:.0f} MB (bound 300)")
    print(f"resuming them: {again['seconds']:.2f} s (bound 1), {whole:.2f} s with Python's start")


if __name__ == "__main__":
    main()
