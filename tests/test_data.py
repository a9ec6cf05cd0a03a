"""Data sets: names, noise, projection to a layer, plug-ins."""

import subprocess
import sys

import pytest
import torch

from psubench import plugins
from psubench.data import TABLE, batches, currents, parse, spoken_digits
from psubench.data.layer_current import GAIN, project
from psubench.errors import PsubenchError

ONE_LINE = r"^[^\n]*$"


def lif_rate(x, tau=2.0):
    """Spikes per step of a soft-reset LIF neuron with threshold 1."""
    v, count = torch.zeros_like(x[0]), 0.0
    for now in x:
        h = v + (now - v) / tau
        spikes = (h >= 1).float()
        v = h - spikes
        count += spikes.mean().item()
    return count / len(x)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plug-in whose function `make(T, batch, seed, split)` has the given body."""
    monkeypatch.chdir(tmp_path)

    def write(body, name="mine"):
        lines = [f"    {line}" for line in body.splitlines()]
        head = ["import torch", "def make(T, batch, seed, split, scale=1):"]
        (tmp_path / f"{name}.py").write_text("\n".join([*head, *lines]))
        return f"{name}.py:make"

    return write


def test_importing_data_leaves_torch_and_numpy_alone():
    code = "import sys, psubench.data; print({'torch', 'numpy'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output == "set()\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("spoken-digits", "spoken-digits"),
        (" normal() ", "normal"),
        ("normal(mu=1)", "normal"),
        ("normal(mu=0.50)", "normal(mu=0.5)"),
        ("normal(mu=2.0)", "normal(mu=2)"),
        ("spikes(rate=1e-1)", "spikes"),
        ("my.data:make(scale=3, bias=0)", "my.data:make(bias=0,scale=3)"),
    ],
)
def test_names_are_canonical_and_read_back(text, name):
    ref = parse(text)
    assert ref.name == name
    assert parse(ref.name) == ref
    assert ref.is_plugin == (":" in text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spoken-digit", 'unknown data set "spoken-digit"; did you mean "spoken-digits"?'),
        ("", "does not name a data set"),
        ("normal(sigma=2)", 'data set "normal" has no parameter "sigma"; known: mu'),
        ("spoken-digits(T=4)", 'data set "spoken-digits" has no parameter "T"; it has none'),
        ("spikes(rate=1.5)", 'data set "spikes": rate=1.5; rate is a number from 0 to 1'),
        ("spikes(rate=nan)", "rate=nan"),
        ("normal(mu=1e999)", "1e999 is too large; give a finite number"),
        ("normal(mu=true)", "mu=true"),
        ("nowhere/mine.py:make", 'there is no file "nowhere/mine.py"'),
    ],
)
def test_a_wrong_name_is_told_in_one_line(text, says):
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        parse(text)
    assert says in str(error.value)


def test_every_data_set_of_the_table_is_described_and_gives_currents():
    for name, spec in TABLE.items():
        assert spec.name == name
        assert all([spec.description, spec.shape, spec.source, spec.licence])
        told = [plugins.show_value(value).removesuffix(".0") for value in spec.parameters.values()]
        pairs = zip(spec.parameters, told, strict=True)
        assert all(f"{key}={value}" in spec.description for key, value in pairs)
        assert {k for k, v in spec.parameters.items() if not isinstance(v, bool)} == spec.ranges.keys()
        if spec.folder and not spec.shipped:
            continue
        x, _ = currents(name, T=3, batch=2, size=5, seed=0)
        assert (x.shape, x.dtype, x.device.type) == ((3, 2, 5), torch.float32, "cpu"), name


@pytest.mark.parametrize(
    ("T", "batch", "note"),
    [
        (32, 8, None),
        (4, 8, "first 4 of 32 recorded steps"),
        (128, 8, "32 recorded steps repeated to 128"),
        (32, 2402, "2400 recordings repeated to a batch of 2402"),
        (2, 2402, "first 2 of 32 recorded steps; 2400 recordings repeated to a batch of 2402"),
    ],
)
def test_what_was_done_to_the_recordings_is_told(T, batch, note):
    x, told = currents("spoken-digits", T=T, batch=batch, size=2, seed=0)
    assert told == note
    assert torch.equal(x[:, 2400:], x[:, : max(0, batch - 2400)])


def test_the_same_seed_gives_the_same_bits_whatever_the_shape_and_the_threads():
    x, _ = currents("spoken-digits", T=64, batch=33, size=70, seed=5)
    for T, batch, size in ((64, 33, 70), (32, 33, 70), (7, 33, 70), (64, 4, 70), (64, 33, 9), (3, 1, 1)):
        part, _ = currents("spoken-digits", T=T, batch=batch, size=size, seed=5)
        assert torch.equal(part, x[:T, :batch, :size]), (T, batch, size)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(currents("spoken-digits", T=64, batch=33, size=70, seed=5)[0], x)
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(currents("spoken-digits", T=64, batch=33, size=70, seed=6)[0], x)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        ("spoken-digits", [-0.196332, -0.540439, -0.215764, 0.459828]),
        ("normal", [0.671879, 0.029032, 2.265502, 1.003764]),
        ("spikes(rate=0.5)", [1.0, 0.0, 0.0, 1.0]),
    ],
)
def test_the_input_stays_what_it_was_when_earlier_runs_were_measured(data, last):
    x, _ = currents(data, T=6, batch=2, size=2, seed=0)
    assert x[5].flatten().tolist() == pytest.approx(last, abs=1e-5)


def test_the_current_is_the_spikes_times_one_normal_matrix():
    x, labels = next(batches(parse("spoken-digits"), T=32, batch=200, seed=0, split="train"))
    projected = project(x, size=1000, seed=0, active=spoken_digits.SpokenDigits().active())
    solution = torch.linalg.lstsq(x.flatten(0, 1).double(), projected.flatten(0, 1).double()).solution
    assert torch.allclose((x.double() @ solution).float(), projected, atol=1e-5)
    assert abs(solution.mean()) < 0.02
    expected = GAIN / spoken_digits.SpokenDigits().active() ** 0.5
    assert solution.std().item() == pytest.approx(expected, rel=0.02)
    assert projected.std().item() == pytest.approx(GAIN, rel=0.1)
    assert len(labels) == 200


@pytest.mark.parametrize("T", [4, 32, 128])
def test_a_lif_neuron_neither_falls_silent_nor_fires_all_the_time(T):
    for seed in (0, 1):
        x, _ = currents("spoken-digits", T=T, batch=32, size=128, seed=seed)
        assert 0.05 < lif_rate(x) < 0.25


def test_normal_is_normal_and_its_lif_rate_is_the_known_one():
    x, note = currents("normal", T=64, batch=32, size=256, seed=0)
    assert note is None
    assert x.mean().item() == pytest.approx(1, abs=0.01)
    assert x.std().item() == pytest.approx(1, abs=0.01)
    assert lif_rate(x) == pytest.approx(0.29, abs=0.01)
    shifted, _ = currents("normal(mu=-2)", T=64, batch=32, size=256, seed=0)
    assert torch.allclose(shifted, x - 3, atol=1e-6)


def test_spikes_are_zeros_and_ones_at_their_rate():
    for text, rate in (
        ("spikes", 0.1),
        ("spikes(rate=0.7)", 0.7),
        ("spikes(rate=0)", 0),
        ("spikes(rate=1)", 1),
    ):
        x, note = currents(text, T=50, batch=20, size=100, seed=0)
        assert note is None
        assert set(x.unique().tolist()) <= {0.0, 1.0}
        assert x.mean().item() == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize("data", ["normal", "spikes"])
def test_noise_depends_on_the_seed_only_and_grows_with_T(data):
    x, _ = currents(data, T=9, batch=3, size=7, seed=1)
    assert torch.equal(currents(data, T=9, batch=3, size=7, seed=1)[0], x)
    assert torch.equal(currents(data, T=5, batch=3, size=7, seed=1)[0], x[:5])
    assert not torch.equal(currents(data, T=9, batch=3, size=7, seed=2)[0], x)


def test_a_plugin_is_called_by_the_contract_and_projected(plugin):
    text = plugin(
        "assert split == 'train'\n"
        "draw = torch.Generator().manual_seed(seed)\n"
        "yield scale * torch.rand(T, batch, 2, 3, generator=draw), torch.zeros(batch)"
    )
    x, note = currents(text, T=6, batch=40, size=50, seed=2)
    assert x.shape == (6, 40, 50)
    assert note is None
    assert torch.equal(currents(text, T=6, batch=40, size=50, seed=2)[0], x)
    assert x.square().mean().sqrt().item() == pytest.approx(GAIN, rel=0.3)
    # the scale of the features makes no difference to that of the current
    assert torch.allclose(currents(f"{text}(scale=100)", T=6, batch=40, size=50, seed=2)[0], x, atol=1e-4)
    raw = torch.rand(6, 40, 2, 3, generator=torch.Generator().manual_seed(2))
    assert torch.equal(project(raw, size=50, seed=2), x)


def test_a_plugin_may_give_one_number_per_step_and_a_smaller_batch(plugin):
    text = plugin("return [(torch.arange(T * 2.0).view(T, 2), torch.zeros(2))]")
    x, note = currents(text, T=3, batch=5, size=4, seed=0)
    assert note == "2 recordings repeated to a batch of 5"
    assert torch.equal(x, x[:, [0, 1, 0, 1, 0]])
    assert not torch.equal(x[:, 0], x[:, 1])
    # every neuron sees the number times its own weight
    assert torch.allclose(x[:, 0], torch.tensor([[0.0], [2.0], [4.0]]) * x[1, 0] / 2)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, that such tensors are prototypes
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return []", "yields nothing for T=4"),
        ("return None", "yields nothing for T=4"),
        ("return 5", "yields a int that is not a pair of tensors"),
        ("yield torch.ones(T, batch, 3)", "yields a Tensor that is not a pair"),
        ("yield [[1.0]], [0]", "yields a tuple that is not a pair"),
        ("yield torch.ones(batch, T + 1, 3), torch.zeros(batch)", "yields x of shape [2, 5, 3] for T=4"),
        ("yield torch.ones(T, batch + 1, 3), torch.zeros(batch + 1)", "yields x of shape [4, 3, 3] for T=4"),
        ("yield torch.ones(T, batch, 0), torch.zeros(batch)", "yields x of shape [4, 2, 0]"),
        (
            "yield torch.ones(T, batch, 3).to_sparse(), torch.zeros(batch)",
            "yields x as a sparse tensor; yield",
        ),
        ("yield torch.ones(T, batch).to_sparse_csr(), torch.zeros(batch)", "yields x as a sparse tensor"),
        ("yield torch.ones(T, batch, 3), torch.ones(batch).to_sparse()", "yields labels as a sparse tensor"),
        (
            "yield torch.nested.nested_tensor([torch.ones(2, 3)] * T), torch.zeros(batch)",
            "x as a nested tensor",
        ),
        (
            "yield torch.nested.nested_tensor([torch.ones(2, 3)] * T, layout=torch.jagged), torch.ones(2)",
            "x as a nested tensor",
        ),
        (
            "yield torch.quantize_per_tensor(torch.ones(T, 2), 1, 0, torch.quint8), torch.zeros(2)",
            "yields x as a quantised tensor",
        ),
        (
            "yield torch.ones(T, batch, dtype=torch.cfloat), torch.zeros(batch)",
            "yields x as a complex tensor",
        ),
        ("yield torch.ones(T, batch, device='meta'), torch.zeros(batch)", "yields x as a meta tensor"),
        (
            "yield torch.ones(T, batch).double() * 1e300, torch.zeros(batch)",
            "with NaN or infinity as float32",
        ),
        ("yield torch.ones(T), torch.zeros(1)", "yields x of shape [4]"),
        ("yield torch.ones(T, batch, 3), torch.zeros(7)", "yields 7 labels for 2 samples"),
        ("yield torch.full((T, batch, 3), torch.nan), torch.zeros(batch)", "yields x with NaN"),
        ("yield torch.zeros(T, batch, 3), torch.zeros(batch)", "yields x with zeros only"),
        ("raise OSError('the disk\\nis gone')", "raises OSError: the disk is gone"),
        ("yield 1 / 0", "raises ZeroDivisionError: division by zero"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_told_in_one_line(plugin, body, says):
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        currents(plugin(body), T=4, batch=2, size=3, seed=0)
    assert says in str(error.value)
    assert 'data plug-in "mine.py:make"' in str(error.value)


def test_a_plugin_that_cannot_be_called_is_told(plugin, tmp_path):
    text = plugin("return []")
    with pytest.raises(PsubenchError, match=r"cannot be called: TypeError: .*colour"):
        currents(f"{text}(colour=red)", T=4, batch=2, size=3, seed=0)
    (tmp_path / "number.py").write_text("make = 7")
    with pytest.raises(PsubenchError, match=r'data plug-in "number.py:make" is a int'):
        currents("number.py:make", T=4, batch=2, size=3, seed=0)
