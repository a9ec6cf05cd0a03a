"""Recipes and suites: what TOML may hold, what a mistake says, and what the values do."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.places import ROOT, TINY
from torch.nn import functional

from psubench import data, models, neurons
from psubench.errors import PsubenchError
from psubench.experiments import suite_file
from psubench.experiments.accuracy import published
from psubench.experiments.accuracy.options import TrainOptions
from psubench.experiments.accuracy.plan import trainings
from psubench.records.events import Recorded
from psubench.training import augment, losses
from psubench.training.case import training
from psubench.training.network import lambda_at, network_of, set_lambda
from psubench.training.optimizer import optimizer_of, schedule_of
from psubench.training.recipe import Augment, Recipe, Task
from psubench.training.train_here import train_here

RECIPES = sorted(path for path in (ROOT / "suites").glob("*.toml") if "[accuracy.recipe]" in path.read_text())


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_can_be_read_and_fits_its_network(path):
    (options,) = suite_file.read(path).options
    cases = suite_file.read(path).trainings("cpu")
    assert {case.data.name for case in cases} == {options.data}
    for case in cases:
        if case.neuron.kind == "psu":
            threshold = dict(case.neuron.parameters).get("threshold", 1.0)
            assert threshold == options.recipe.neuron.get("threshold", 1.0)
    assert len(cases) == 5 * 3


def test_a_suite_takes_over_the_recipes_that_it_names():
    suite = suite_file.read(ROOT / "suites" / "cpu-accuracy.toml")
    assert [options.data for options in suite.options] == ["spoken-digits", "fashion-mnist"]
    cases = suite.trainings("cpu")
    assert len(cases) == 2 * 12 * 3
    assert [case.seed for case in cases] == sorted(case.seed for case in cases)  # seed by seed, over all data
    assert len(suite_file.read(ROOT / "suites" / "paper-accuracy.toml").options) == 6


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[train.recipe]\nepoch = 3", 'line 4: unknown key "epoch"; did you mean "epochs"?'),
        ("epoch = 3", 'line 3: unknown key "epoch"'),
        ("epochs = 0", "line 3: epochs = 0; epochs takes an integer from 1 to 100000"),
        ("[train.recipe]\nepochs = 0", "line 4: epochs = 0; epochs takes an integer from 1 to 100000"),
        ("[train.recipe]\nepochs = 2.5", "epochs = 2.5; epochs takes an integer"),
        ("[train.recipe]\nepochs = true", "epochs = True; epochs takes an integer"),
        ("[train.recipe]\nlr = nan", "lr = nan; lr takes a number from 1e-12 to 1000"),
        ("[train.recipe]\n\nlr = 'high'", "line 5: lr = 'high'; lr takes a number"),
        (
            "[train.recipe]\noptimizer = 'adam'",
            'line 4: optimizer "adam" does not exist; did you mean "adamw"',
        ),
        ("[train.recipe]\noptimizer = 3", "line 4: optimizer = 3; known: adamw, sgd"),
        ("[train.recipe]\ndeterministic = 1", "deterministic = 1; deterministic takes true or false"),
        ("[train.recipe]\naugment = 1", "augment is a table: write [train.recipe.augment] above"),
        ("[train.recipe.augment]\nflips = true", 'line 4: unknown key "flips"; did you mean "flip"'),
        ("recipe.augment.shift = 65", "line 3: shift = 65; shift takes an integer from 0 to 64"),
        (
            "[train.recipe.neuron]\nthresold = 0.3",
            'line 4: no neuron has a parameter "thresold"; did you mean',
        ),
        ("[train.recipe.neuron]\nthreshold = [1]", "line 4: threshold = [1]"),
        ("T = 0", 'line 3: T "0" contains 0'),
        ("batch = 1000001", 'line 3: batch "1000001" holds 1000001; values range from 1 to 1000000'),
        ("model = 3", 'line 3: unknown model "3"'),
        ("seeds = [-1]", 'line 3: seeds "-1" is not a list of integers from 0'),
        ("neurons = []", "line 3: neurons = []; give a string"),
        ("recipe = ['none.toml']", 'none.toml" does not exist; check the path'),
        ('recipe = "."', "cannot read"),
        ("recipe = 3", "line 3: recipe = 3; recipe takes the name of a file, a list of them, or a table"),
        ("recipe = []", "line 3: recipe = []; recipe takes"),
        ("threads = 2", "line 3: threads is in the wrong table; write it under [settings]"),
        ("model = ", "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_line(text, complaint, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(f"version = 1\n[[train]]\n{text}")
    with pytest.raises(PsubenchError) as caught:
        suite_file.read(path)
    assert complaint in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_is_named_once_and_its_mistakes_are_at_their_own_place(tmp_path):
    (tmp_path / "suite.toml").write_text('version = 1\n[[train]]\nrecipe = "recipe.toml"\n')
    (tmp_path / "recipe.toml").write_text("version = 1\n[[train]]\n\nepochs = 0\n")
    with pytest.raises(PsubenchError, match=r"recipe.toml, line 4: epochs = 0"):
        suite_file.read(tmp_path / "suite.toml")
    (tmp_path / "recipe.toml").write_text('version = 1\n[[train]]\nrecipe = "suite.toml"\n')
    with pytest.raises(PsubenchError, match=r"recipe.toml, line 3: a recipe that names another recipe"):
        suite_file.read(tmp_path / "suite.toml")
    (tmp_path / "recipe.toml").write_text("version = 1\n[[speed]]\nT = 4\n")
    with pytest.raises(PsubenchError, match=r"measures speed and trains nothing"):
        suite_file.read(tmp_path / "suite.toml")


def test_the_recipe_gives_its_parameters_where_a_neuron_has_them_and_does_not_say():
    recipe = Recipe(neuron={"threshold": 0.3, "init": "leak"})

    def name(text):
        case = training(Task(recipe=recipe), text, seed=0, device="cpu", threads=1)
        return case.neuron.text

    assert name("psu") == "psu(threshold=0.3)"
    assert name("psu@scan") == "psu(threshold=0.3)@scan"
    assert name("rpsu(threshold=2)") == "rpsu(init=leak,threshold=2)"
    assert name("spsn") == "spsn"


def test_the_key_names_everything_that_matters():
    def key(neuron="psu", seed=0, **values):
        return training(Task(recipe=Recipe(**values)), neuron, seed=seed, device="cpu", threads=1).key

    keys = [key(), key("lif"), key(seed=1), key(lr=0.1), key(augment=Augment(drop=0.1)), key("psu@scan")]
    assert len(set(keys)) == len(keys)
    assert key() == key(epochs=20)


@pytest.mark.parametrize(
    ("epochs", "share", "values"),
    [
        (5, 0.5, [0.0, 0.4, 0.8, 1.0, 1.0]),
        (4, 1.0, [0.0, 0.25, 0.5, 1.0]),
        (3, 0.0, [1, 1, 1]),
        (1, 1.0, [1.0]),
    ],
)
def test_lambda_rises_to_one(epochs, share, values):
    assert [lambda_at(epoch, epochs, share) for epoch in range(epochs)] == pytest.approx(values)


def test_lambda_is_the_schedules_unless_the_neuron_sets_it():
    for text, expected in (("masked-psn", 0.0), ("masked-psn(lam=0.7)", 0.7)):
        task = Task(model=f"{TINY}:Plain", data=f"{TINY}:digits", T=4)
        case = training(task, text, seed=0, device="cpu", threads=1)
        network = network_of(case)
        set_lambda(network, case, 0)
        assert {layer.lambda_ for layer in network.spiking.values()} == {expected}


def test_losses_by_hand():
    out = torch.tensor([[[2.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [3.0, -1.0]]])  # [T=2, B=2, 2]
    labels = torch.tensor([0, 1])
    mean = out.mean(0)
    entropy = losses.loss_sum(mean, labels, Recipe(label_smoothing=0.0))
    by_hand = sum(torch.logsumexp(row, 0) - row[label] for row, label in zip(mean, labels, strict=True))
    assert entropy == pytest.approx(by_hand.item())
    # (1-1)²+(0-0)² and (2-0)²+(0-1)², each over two classes
    assert losses.loss_sum(mean, labels, Recipe(loss="mse")).item() == 2.5
    tet = losses.loss_sum(out, labels, Recipe(loss="tet", tet_weight=0.25, label_smoothing=0.0))
    steps = [functional.cross_entropy(step, labels, reduction="sum") for step in out]
    errors = (1 + 1 + 0 + 0) / 2 + (1 + 1 + 4 + 4) / 2
    assert tet.item() == pytest.approx(0.75 * sum(steps).item() / 2 + 0.25 * errors / 2)


@given(st.integers(1, 5), st.integers(2, 6), st.sampled_from([0, 2]), st.data())
def test_moving_by_gather_is_moving_sample_by_sample(B, length, axis, drawn):
    x = torch.rand(length if axis == 0 else 3, B, length)
    by = torch.tensor(drawn.draw(st.lists(st.integers(-7, 7), min_size=B, max_size=B)))
    rolled = [x[:, b].roll(int(by[b]), dims=0 if axis == 0 else 1) for b in range(B)]
    assert torch.equal(augment.moved(x, axis, by, wraps=True), torch.stack(rolled, 1))
    filled = augment.moved(x, axis, by, wraps=False)
    for b in range(B):
        for t in range(length):
            source = t - int(by[b])
            place = (t, b) if axis == 0 else (slice(None), b, t)
            origin = (source, b) if axis == 0 else (slice(None), b, source)
            expected = x[origin] if 0 <= source < length else torch.zeros_like(x[place])
            assert torch.equal(filled[place], expected)


def test_augmentations():
    torch.manual_seed(0)
    x = torch.rand(3, 40, 2, 4, 4)
    assert torch.equal(augment.augmented(x, Augment()), x)
    flipped = augment.augmented(x, Augment(flip=True))
    same = [torch.equal(flipped[:, b], x[:, b]) for b in range(40)]
    assert 5 < sum(same) < 35
    assert all(torch.equal(flipped[:, b], x[:, b].flip(-1)) for b in range(40) if not same[b])
    dropped = augment.augmented(x, Augment(drop=0.25))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    shifted = augment.augmented(x, Augment(shift=2))
    assert torch.equal(shifted.flatten(2).sort(2).values, x.flatten(2).sort(2).values)
    with pytest.raises(PsubenchError, match=r"need steps of shape \[C,H,W\], digits has \[6\]"):
        augment.check(Augment(shift=1), (6,), "digits")


def test_schedules():
    def rates(schedule):
        recipe = Recipe(optimizer="sgd", lr=0.1, schedule=schedule)
        optimizer = optimizer_of(torch.nn.Linear(1, 1), recipe)
        made, found = schedule_of(optimizer, recipe, 100), []
        for _ in range(100):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            made.step()
        return found

    assert rates("constant") == [0.1] * 100
    cosine = rates("cosine")
    assert cosine[0] == 0.1
    assert cosine[50] == pytest.approx(0.05)
    assert cosine[99] < 1e-3
    assert max(rates("one-cycle")) == pytest.approx(0.1, rel=1e-3)


def test_options_win_over_a_recipe():
    options = TrainOptions(lr=1.0, batch=(8, 16), recipe=Recipe(epochs=5, batch=4, lr=0.1, loss="mse"))
    cases = trainings(options, "cpu")
    assert [case.recipe for case in cases] == [
        Recipe(epochs=5, batch=batch, lr=1.0, loss="mse") for batch in (8, 16)
    ]
    assert trainings(TrainOptions(recipe=Recipe(batch=4)), "cpu")[0].recipe == Recipe(batch=4)


def test_a_brief_training_learns_and_gives_weights_that_fit():
    told = []
    refs = {"model": models.parse(f"{TINY}:Plain"), "neuron": neurons.parse("psu"), "T": 4}
    source = data.parse(f"{TINY}:digits")
    recipe = Recipe(batch=10, lr=0.02)
    weights = train_here(**refs, data=source, epochs=40, recipe=recipe, say=told.append)
    test = [event.record["test"] for event in told if isinstance(event, Recorded)][-1]
    assert test["correct"] / test["samples"] > 0.9  # chance is a third
    ref = refs["neuron"]
    network = models.build(refs["model"], lambda: neurons.build(ref, 4), 4, (6,), 3)
    weights.into(network.module)
    right = total = 0
    for x, labels in data.batches(source, T=4, batch=30, seed=0, split="test"):
        right += int((network.module.eval()(x).argmax(1) == labels).sum())
        total += len(labels)
    assert (right, total) == (test["correct"], test["samples"])
    assert weights.origin == f"trained 40 of 40 epochs on {TINY}:digits, seed 0"
    with pytest.raises(PsubenchError, match="does not fit this network"):
        weights.into(torch.nn.Linear(2, 2))
    with pytest.raises(PsubenchError, match="ended as failed: the loss is nan"):
        train_here(
            **{**refs, "model": models.parse(f"{TINY}:Diverges")}, data=source, epochs=3, recipe=recipe
        )


def test_published_numbers_are_fractions_with_a_source():
    assert all(0.5 < number.accuracy < 1 and number.source for number in published.NUMBERS)
    assert [n.accuracy for n in published.on(["shd"])] == [0.9249, 0.9510]
    assert published.on(["spoken-digits"]) == []
