"""The peer of `benchmarks/iql.py`: d3rlpy's DiscreteCQL. Runs in a separate environment.

python iql_peer.py STEPS THREADS WIDTH     prints gradient steps a second, the first steps not counted
"""

import sys
import time

import d3rlpy
import numpy as np
import structlog
import torch

ROWS, ACTIONS, BATCH, TALK = 40_000, 28, 256, 10


def main() -> None:
    steps, threads, width = map(int, sys.argv[1:4])
    torch.set_num_threads(threads)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    rng = np.random.default_rng(0)
    ends = np.zeros(ROWS)
    ends[TALK - 1 :: TALK] = 1
    data = d3rlpy.dataset.MDPDataset(
        rng.normal(size=(ROWS, width)).astype(np.float32),
        rng.integers(ACTIONS, size=ROWS),
        rng.normal(size=ROWS).astype(np.float32),
        ends,
    )
    cql = d3rlpy.algos.DiscreteCQLConfig(
        batch_size=BATCH,
        learning_rate=3e-4,
        n_critics=1,
        encoder_factory=d3rlpy.models.VectorEncoderFactory([256, 256]),
    ).create(device="cpu:0")
    cql.build_with_dataset(data)
    for _ in range(20):
        cql.update(data.sample_transition_batch(BATCH))
    began = time.perf_counter()
    for _ in range(steps):
        cql.update(data.sample_transition_batch(BATCH))
    print(steps / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
