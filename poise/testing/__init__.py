"""Checks that your own agents, policies, games, scenarios and worlds keep the contracts on which Poise relies.

    from poise.testing import assert_agent, check_agent

    assert_agent("my_agent.py")                    # AssertionError, one line for each check that does not hold
    for check in check_agent("my_agent.py"):       # or look at each
        print(check.ok, check.name, check.detail)

`check_agent`, `check_policy`, `check_game`, `check_scenarios` and `check_world` return a list of `Check`;
`assert_agent` and so on take the same and raise. Everything that comes with Poise passes them, except the default
world, in which holding out pays. They catch mistakes; they do not confine malicious code.
"""

from poise.testing.agents import check_agent
from poise.testing.checks import Check, demand, demanding
from poise.testing.games import check_game
from poise.testing.policies import check_policy
from poise.testing.scenarios import check_scenarios
from poise.testing.worlds import check_world

assert_agent = demanding(check_agent)
assert_policy = demanding(check_policy)
assert_game = demanding(check_game)
assert_scenarios = demanding(check_scenarios)
assert_world = demanding(check_world)

__all__ = [
    "Check",
    "assert_agent",
    "assert_game",
    "assert_policy",
    "assert_scenarios",
    "assert_world",
    "check_agent",
    "check_game",
    "check_policy",
    "check_scenarios",
    "check_world",
    "demand",
]
