"""The peer of `benchmarks/tournament.py`: negmas' round-robin on disk. Runs in a separate environment.

Two kinds of time-based negotiators bargain over one integer issue. Stubborn ones continue until the step limit, so that
every negotiation has exactly 2 x STEPS offers, as long as Poise's; with "short" they are NegMAS' own, on 50 outcomes,
which agree sooner. Figures and plots are off, which favours NegMAS.

    python negmas_peer.py STEPS SCENARIOS OUT [short]     prints JSON: negotiations, offers of each, CPU seconds
"""

import json
import sys
import time
from pathlib import Path

from negmas.inout import Scenario
from negmas.outcomes import make_issue, make_os
from negmas.preferences import LinearAdditiveUtilityFunction
from negmas.preferences.value_fun import AffineFun
from negmas.sao import AspirationNegotiator, ConcederTBNegotiator
from negmas.tournaments.neg import cartesian_tournament


def scenario(number: int, largest: int) -> Scenario:
    space = make_os([make_issue((0, largest), name="days")], name=f"days{number}")
    ufuns = tuple(
        LinearAdditiveUtilityFunction([AffineFun(slope / largest, bias=bias)], outcome_space=space, reserved_value=0.0)
        for slope, bias in ((-1.0, 1.0), (1.0, 0.0))
    )
    return Scenario(space, ufuns)


class First(AspirationNegotiator):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, aspiration_type=80.0, **kwargs)


class Second(AspirationNegotiator):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, aspiration_type=60.0, **kwargs)


def main() -> None:
    steps, count, out, short = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), "short" in sys.argv[4:]
    began = time.process_time()
    results = cartesian_tournament(
        competitors=[AspirationNegotiator, ConcederTBNegotiator] if short else [First, Second],
        scenarios=[scenario(number, 49 if short else 365) for number in range(count)],
        n_steps=steps,
        n_repetitions=1,
        path=out,
        njobs=-1,
        verbosity=0,
        save_scenario_figs=False,
        plot_fraction=0.0,
    )
    seconds = time.process_time() - began
    details = results.details
    offers = float((details["step"] * 2).mean()) if "step" in details else 2.0 * steps
    print(json.dumps({"negotiations": len(details), "offers": offers, "seconds": seconds}))


if __name__ == "__main__":
    main()
