"""One tournament of 10,000 LLM-free matches with learners: serial, a pool, two Ray nodes, and four parts merged.

unshare --user --map-root-user --net sh -c 'ip link set lo up && python benchmarks/cluster.py'

With MODEL=embedded:smollm2 before `python`, 8 matches of a model instead. What it says depends on what its engine said
before, so that the stores then have the same matches and not the same words.

The namespace keeps Ray on loopback. Each way is run first undisturbed, with matches per second, and then with two kills
(of the run itself, a Ray actor or a part). The digests of all stores must be the same. It also prints what limits a
large cluster: the driver's time per match, the bytes of a match, and the seconds until a node plays.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from poise import TournamentConfig, run_tournament
from poise.common.progress import Unwatched
from poise.tournaments.merging import merge_tournaments
from poise.tournaments.storage.contents import outcome_digest
from poise.tournaments.storage.store import Store, exists

MODEL = os.environ.get("MODEL", "")
MATCHES = int(os.environ.get("MATCHES", "8" if MODEL else "10000"))
SPOKEN = {
    "creditors": ("vanilla", "eq-negotiator"),
    "debtors": ("angry", "sad"),
    "matches_per_pair": MATCHES // 4,
    "seed": 14,
    "model": MODEL,
    "max_messages": 9,
}
LEARNERS = {
    "creditors": ("vanilla", "random", "wsls", "eq-negotiator", "q-learning"),
    "debtors": ("angry", "sad", "cheating", "vanilla"),
    "matches_per_pair": MATCHES // 20,
    "seed": 14,
}
FIELD = SPOKEN if MODEL else LEARNERS
NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 100 * 2**20}


class Clock(Unwatched):
    """When the first matches finished, to separate the start from play."""

    began = 0.0

    def advance(self, count, note=""):  # noqa: ARG002 - as Watch has it
        """Note the time of the first matches."""
        self.began = self.began or (time.perf_counter() if count else 0.0)


def child(out: str, how: str) -> None:
    """Play or resume, and print the time it took."""
    clock, began = Clock(), time.perf_counter()
    result = run_tournament(TournamentConfig(**FIELD, **json.loads(how)), out, watch=clock)
    ended, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"played": result.played, "seconds": ended - began, "start": clock.began - began,
                      "driver": spent.ru_utime + spent.ru_stime}))  # fmt: skip


def start(out: Path, **how: object) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "child", str(out), json.dumps(how)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def end(run: subprocess.Popen[str]) -> dict[str, float]:
    printed, _ = run.communicate()
    assert run.returncode == 0, run.args
    found: dict[str, float] = json.loads(printed.strip().splitlines()[-1])
    return found


def until(out: Path, matches: int) -> None:
    """Wait until so many matches are stored."""
    while True:
        if exists(out):
            with Store.read(out) as store:
                if store.count() >= matches:
                    return
        time.sleep(0.05)


def killed(out: Path, at: int, **how: object) -> None:
    """A run that is killed once so many matches are stored."""
    run = start(out, **how)
    until(out, at)
    run.kill()
    run.wait()


def kill_actor(out: Path, at: int) -> None:
    """End the actor of a node by SIGKILL once so many matches are stored."""
    until(out, at)
    here = Path("/proc/self/ns/net").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            actor = (process / "cmdline").read_bytes().startswith(b"ray::ClusterNode")
            if actor and (process / "ns" / "net").readlink() == here:
                os.kill(int(process.name), signal.SIGKILL)
                return
        except OSError:
            continue


def play_parts(folder: Path) -> float:
    """Play four parts, two at a time, as on two machines; return the seconds of all."""
    began = time.perf_counter()
    for pair in ((1, 2), (3, 4)):
        for run in [start(folder / str(number), workers=1, part=f"{number}/4") for number in pair]:
            end(run)
    return time.perf_counter() - began


def rate(run: Mapping[str, float]) -> float:
    """Matches a second; without a model from the first match on, since a start is long beside such matches."""
    return MATCHES / (run["seconds"] - (0.0 if MODEL else run["start"]))


def main() -> None:
    """Play in every way and compare."""
    from ray.cluster_utils import Cluster

    folder = Path(tempfile.mkdtemp(prefix="poise-cluster-"))
    serial = end(start(folder / "serial", workers=1))
    rates = {"serial": rate(serial)}
    pool = end(start(folder / "pool", workers=2))
    rates["pool of two processes"] = rate(pool)
    began = time.perf_counter()
    nodes = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    nodes.add_node(**NODE)
    up = time.perf_counter() - began
    address = f"ray:{nodes.address}"
    ray = end(start(folder / "ray", workers=address))
    rates["two Ray nodes of one core"] = rate(ray)
    rates["four parts, two at a time, starts included"] = MATCHES / play_parts(folder / "parts")
    began = time.perf_counter()
    merge_tournaments(folder / "merged", [folder / "parts" / str(number) for number in (1, 2, 3, 4)])
    merging = time.perf_counter() - began
    for name, each in rates.items():
        print(f"{name:44} {each:8.{2 if MODEL else 0}f} matches/s   {each / rates['serial']:.2f} of serial", flush=True)
    print(
        f"merging four parts: {merging:.1f} s; Ray's two nodes: {up:.1f} s; a run's start there: {ray['start']:.1f} s"
    )
    size = (folder / "serial" / "tournament.sqlite").stat().st_size
    print(f"the driver's CPU on Ray: {ray['driver'] / MATCHES * 1e3:.2f} ms a match, its start included; "
          f"a match in the store: {size / MATCHES / 1e3:.1f} kB")  # fmt: skip

    third = MATCHES // 3
    for out, how in (("pool-killed", {"workers": 2}), ("ray-killed", {"workers": address})):
        killed(folder / out, third, **how)
        if out == "pool-killed":
            killed(folder / out, 2 * third, **how)
        else:
            threading.Thread(target=kill_actor, args=(folder / out, 2 * third), daemon=True).start()
        end(start(folder / out, **how))
    killed(folder / "parts-killed" / "1", third // 4, workers=1, part="1/4")
    killed(folder / "parts-killed" / "3", third // 4, workers=1, part="3/4")
    play_parts(folder / "parts-killed")
    merge_tournaments(folder / "merged-killed", [folder / "parts-killed" / str(number) for number in (1, 2, 3, 4)])
    nodes.shutdown()
    digests = {}
    for name in ("serial", "pool", "ray", "merged", "pool-killed", "ray-killed", "merged-killed"):
        with Store.read(folder / name) as store:
            assert store.count() == MATCHES
            digests[name] = outcome_digest(store)
        print(f"{name:44} {digests[name]}")
    same = len(set(digests.values())) == 1
    print("all stores hold the same" if same else f"the stores {'hold other words' if MODEL else 'DIFFER'}")
    raise SystemExit(not (same or MODEL))


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["child"] else main()
