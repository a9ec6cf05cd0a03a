"""From the options of `psubench sparsity` to its cases."""

import pytest

from psubench import models
from psubench.errors import PsubenchError
from psubench.experiments.read_options import Given, read_options
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.sparsity.plan import count_blocks


def planned(device="cpu", **texts):
    given = {name: Given(str(text), f"--{name.replace('_', '-')}") for name, text in texts.items()}
    return count_blocks(read_options(SparsityOptions, given), device)


def cases(**words):
    return [block.entries[0].case for block in planned(**words)]


def test_the_defaults_are_those_of_the_model():
    found = cases()
    assert [case.neuron for case in found] == ["lif", "psn", "psu", "ipsu", "rpsu"]
    case = found[0]
    assert (case.model, case.data, case.T) == ("vggsnn(width=0.25)", models.TABLE["vggsnn"].real, 10)
    assert (case.weights, case.energy_model) == ("untrained", "horowitz45-fp32")
    assert (case.first_layer, case.pooling) == ("sparse_mac", "graded")
    assert (case.kind, case.phase, case.size) == ("sparsity", "infer", None)
    assert [case.T for case in cases(model="shd", T="4..16", neurons="lif")] == [4, 8, 16]


def test_every_neuron_and_T_is_a_block_of_its_own():
    blocks = planned(model="mlp", T="4,8", neurons="lif,psu@scan")
    assert [(block.case.T, block.entries[0].label) for block in blocks] == [
        (4, "lif"), (4, "psu@scan"), (8, "lif"), (8, "psu@scan")
    ]  # fmt: skip
    assert len({block.entries[0].case.key for block in blocks}) == 4


def test_what_changes_the_counts_changes_the_key():
    words = {"model": "mlp", "neurons": "lif", "T": "4"}
    keys = {
        cases(**words)[0].key,
        cases(**words, pooling="fold")[0].key,
        cases(**words, energy_model="loihi")[0].key,
    }
    keys |= {cases(**words, samples=65)[0].key, cases(**words, train_epochs=3)[0].key}
    assert len(keys) == 5


def test_batch_means_the_same_as_for_speed():
    assert [case.batch for case in cases(neurons="lif", batch="4..16")] == [4, 8, 16]
    assert [case.batch for case in cases(neurons="lif", model="shd", device="cuda")] == [256]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"model": "neuron"}, "a layer of neurons has no synapses"),
        ({"model": "vgg"}, 'did you mean "vggsnn"'),
        ({"model": "vggsnn", "data": "spoken-digits"}, "takes steps of shape"),
        ({"neurons": "lfi"}, 'did you mean "lif"'),
        ({"T": "0"}, "--T"),
        ({"energy_model": "joule"}, 'unknown energy model "joule"'),
        ({"first_layer": "dense"}, '--first-layer "dense" does not exist; did you mean "dense_mac"'),
        ({"pooling": "max"}, '--pooling "max" does not exist; known: graded, fold'),
        ({"dtype": "float8"}, "--dtype"),
    ],
)
def test_a_wrong_option_is_told(words, complaint):
    with pytest.raises(PsubenchError, match=complaint):
        planned(**words)
