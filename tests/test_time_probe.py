"""Does a task need time: the order of the steps, and the gradient between them."""

import json

import pytest
import torch
from msgspec.structs import replace
from support.command_line import here
from support.places import TINY

from psubench import data, models, neurons
from psubench.experiments.accuracy.options import AccuracyOptions
from psubench.experiments.accuracy.plan import trainings
from psubench.experiments.accuracy.rows import TrainingRow
from psubench.experiments.accuracy.time_probe import differences
from psubench.training.case import Training
from psubench.training.recipe import Recipe
from psubench.training.time_probe import detach, presented

T, B = 5, 3


def case(neuron, time):
    recipe = Recipe(time=time)
    return Training(models.parse("mlp"), data.parse("normal"), neurons.parse(neuron), T, recipe, 0, "cpu", 1)


def jacobian(layer):
    """dS[t]/dx[s] of one trace, [T, T], and its spikes."""
    torch.manual_seed(3)
    x = 1 + torch.rand(T, 1, 4)
    found = torch.autograd.functional.jacobian(layer, x)
    with torch.no_grad():
        return found[:, 0, 0, :, 0, 0], layer(x)


@pytest.mark.parametrize("text", ["lif", "plif(detach_reset=false)", "adlif", "psn", "psu", "lif@decoupled"])
def test_detached_only_the_own_step_has_a_gradient_and_the_spikes_are_the_same(text):
    found = []
    for time in ("kept", "detached"):
        torch.manual_seed(0)
        layer = neurons.build(neurons.parse(text), T, (4,))
        assert detach(case(text, time), layer) == (time == "detached")
        found.append(jacobian(layer))
    (whole, spikes), (own, same) = found
    assert torch.equal(spikes, same)
    assert whole.tril(-1).abs().sum() > 0
    torch.testing.assert_close(own, torch.diag(whole.diag()))


def test_shuffled_every_sample_has_its_own_steps_in_its_own_order():
    x = torch.arange(T * B * 2.0).view(T, B, 2)
    torch.manual_seed(0)
    found = presented(case("lif", "shuffled"), x)
    assert torch.equal(found.sort(0).values, x)
    orders = {tuple(found[:, b, 0].sub(2 * b).div(2 * B).long().tolist()) for b in range(B)}
    assert len(orders) > 1
    assert torch.equal(found[..., 1], found[..., 0] + 1)
    assert presented(case("lif", "kept"), x) is x


def test_the_probe_trains_three_times_and_an_ann_once():
    planned = trainings(AccuracyOptions(neurons="lif,relu", seeds=(0,), probe="time"), "cpu")
    assert [(one.neuron.text, one.recipe.time) for one in planned] == [
        ("lif", "kept"), ("lif", "shuffled"), ("lif", "detached"), ("relu", "kept"),
    ]  # fmt: skip
    plain = trainings(AccuracyOptions(neurons="lif", seeds=(0,)), "cpu")
    assert [one.key for one in plain] == [planned[0].key]
    assert "time" not in plain[0].canonical()["recipe"]
    assert planned[1].title == "lif on spoken-digits, T=32, seed 0, steps shuffled"


def row(time, by_seed):
    names = dict.fromkeys(TrainingRow.__struct_fields__)
    recipe = {"epochs": 1} | ({} if time == "kept" else {"time": time})
    named = {"neuron": "lif", "label": "lif", "data": "tiny", "recipe": recipe, "time": time}
    return TrainingRow(**(names | named | {"by_seed": by_seed}))


def test_differences_are_taken_seed_by_seed():
    kept = row("kept", {0: 0.90, 1: 0.80, 2: 0.85})
    found = differences(
        [kept, row("shuffled", {0: 0.60, 1: 0.51, 2: 0.54}), row("detached", {0: 0.91, 1: 0.79})]
    )
    assert found == [
        "lif on tiny, steps shuffled: -30.0 ± 1.0 points of accuracy (3 seeds, 95 % [-32.5, -27.5]): lower",
        "lif on tiny, no time gradient: +0.0 ± 1.4 points of accuracy (2 seeds, 95 % [-12.7, +12.7]):"
        " no difference beyond the spread",
    ]
    other = replace(kept, recipe={"epochs": 2, "time": "shuffled"}, time="shuffled")
    assert differences([kept, other]) == []


@pytest.mark.slow
def test_the_command_shows_the_differences(tmp_path):
    options = ["--model", f"{TINY}:Plain", "--data", f"{TINY}:digits", "--neurons", "lif", "--T", "4"]
    asked = ["accuracy", *options, "--epochs", "2", "--batch", "30", "--probe", "time", "--seeds", "0,1"]
    shown = here(*asked, "--jobs", "1", "-q", "--out", str(tmp_path / "run"))
    assert shown.returncode == 0, shown.stderr
    text = " ".join(shown.stdout.split())
    assert "lif on " in text
    assert "steps shuffled: " in text
    assert "no time gradient: " in text
    with (tmp_path / "run" / "run.jsonl").open() as file:
        cases = [one["case"] for one in json.loads(file.readline())["cases"]]
    assert [one["recipe"].get("time") for one in cases] == [None, "shuffled", "detached"] * 2
