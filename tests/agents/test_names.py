"""Agents are called by their names, each name means one agent of a seat, and any of them can be the baseline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.names import shown_names
from poise.common.errors import ConfigError
from poise.tournaments.schedule import check_baseline, find_baseline

SOURCE = {"settings": {"source": "abc"}}
TRAINED = {"settings": {"engine": "q", "artifact": "abc"}}


@pytest.mark.parametrize(
    ("label", "declared", "shown"),
    [
        ("vanilla", {"name": "vanilla"}, ("vanilla", "")),
        ("eq-negotiator,offers=model@ollama:a", {"name": "eq"}, ("eq-negotiator,offers=model@ollama:a", "")),
        ("examples/mirror.py", {"name": "mirror", **SOURCE}, ("mirror", "examples/mirror.py")),
        ("a/b.py:two@openai:x", {"name": "ledger", **SOURCE}, ("ledger@openai:x", "a/b.py")),
        ("a/b.py,offers=model", {"name": "ledger,offers=model", **SOURCE}, ("ledger,offers=model", "a/b.py")),
        ("me/tired.toml", {"name": "tired", "settings": {"persona": {}}}, ("tired", "me/tired.toml")),
        ("runs/q1", {"name": "runs/q1", **TRAINED}, ("q1", "runs/q1")),
        ("runs/q1,emotion=none", {"name": "runs/q1,emotion=none", **TRAINED}, ("q1,emotion=none", "runs/q1")),
        ("emodistill", {"name": "emodistill", **TRAINED}, ("emodistill", "")),
        ("vanilla@ollama:x.py", {"name": "vanilla"}, ("vanilla@ollama:x.py", "")),
    ],
)
def test_an_agent_of_a_file_or_folder_is_called_by_its_name(label, declared, shown):
    assert shown_names([(label, declared)]) == [shown]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vanilla", "a.py", "b.py", "c.py:two", "runs/a", "runs/b"]),
            st.sampled_from(["x", "y", "a.py"]),
        ),
        unique_by=lambda one: one[0],
    )
)
def test_no_two_agents_of_a_seat_are_called_the_same(entered):
    told = [(label, {"name": name, **(SOURCE if ".py" in label else TRAINED)}) for label, name in entered]
    names = [name for name, _ in shown_names(told)]
    assert len(set(names)) == len(names) == len(entered)
    for name, (label, _) in zip(names, told, strict=True):
        assert find_baseline(name, names, [label for label, _ in told]) == name
        assert find_baseline(label, names, [label for label, _ in told]) in (name, *names)


def test_the_baseline_is_found_by_name_by_file_and_without_its_model():
    shown, entered = ["mirror", "vanilla@openai:x"], ["examples/mirror.py:f", "vanilla@openai:x"]
    for wanted in ("mirror", "examples/mirror.py:f", "examples/mirror.py"):
        assert find_baseline(wanted, shown, entered) == "mirror"
    assert find_baseline(None, shown, entered) == "vanilla@openai:x"
    with pytest.raises(ConfigError, match="did you mean 'mirror'"):
        check_baseline("miror", (shown, entered))
