"""Learning curves: what a training kept of itself, and its picture."""

import json

import matplotlib as mpl
import pytest
from helpers.train_settings import SHORT
from matplotlib import pyplot as plt

from poise.agents.artifact import Artifact, save_artifact
from poise.common.errors import BadInput
from poise.training.curves import plot_training, read_curve
from poise.training.online.plan import plan_training
from poise.training.online.train import train

mpl.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("method", ["q", "evolve"])
def test_a_training_by_play_keeps_the_mean_utility_of_each_round(tmp_path, method):
    heard = []

    class Watch:
        def begin(self, what, total, done):
            heard.clear()

        def advance(self, count, note):
            heard.append((count, note))

    train(SHORT[method], tmp_path, workers=1, watch=Watch())
    plan, curve = plan_training(SHORT[method]), read_curve(tmp_path)
    size = plan.talks * plan.policies
    assert (curve.unit, list(curve.x)) == ("negotiations", [size * number for number in range(1, plan.rounds + 1)])
    assert [(size, f"utility {value:.3f}") for value in curve.figures["utility"]] == heard[: plan.rounds]
    assert [note.partition(":")[0] for _, note in heard[plan.rounds :]] == [
        "checking trained", "checking start", "checking vanilla"
    ]  # fmt: skip
    ax = plot_training(tmp_path)
    assert ax.get_xlabel() == "negotiations of training"
    assert "utility" in ax.get_ylabel()
    assert list(ax.lines[0].get_ydata()) == curve.figures["utility"]


def test_losses_from_data_and_of_words_are_read(tmp_path):
    losses = {"losses": ["q_loss", "value_loss"], "steps": [[100, 2.0, 1.0], [200, 1.5, 0.5]]}
    save_artifact(Artifact("iql", {}, scores={"curve": losses}), tmp_path)
    ax = plot_training(tmp_path)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["q loss", "value loss"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[2.0, 1.5], [1.0, 0.5]]
    words = tmp_path / "words"
    words.mkdir()
    (words / "curve.jsonl").write_text("".join(json.dumps({"step": n, "loss": 1 / n}) + "\n" for n in (1, 2)))
    own = plt.subplots()[1]
    assert plot_training(words, own) is own
    assert list(own.lines[0].get_ydata()) == [1.0, 0.5]


def test_a_training_without_a_curve_says_so(tmp_path):
    save_artifact(Artifact("q", {}), tmp_path)
    with pytest.raises(BadInput, match="no learning curve"):
        read_curve(tmp_path)
