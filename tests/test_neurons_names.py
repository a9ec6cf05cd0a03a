"""Names, parameters, implementations and plug-ins as the command line takes them."""

import inspect
from importlib import import_module

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from psubench.errors import NeuronError, PsubenchError
from psubench.neurons import CHOICES, TABLE, NeuronRef, build, build_reference, causal, parse, parse_list
from psubench.neurons.checks import check_parameters

WRONG = "tests/wrong_neurons.py"


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("lif", "lif", "lif"),
        (" lif ( tau = 4 , reset = hard ) ", "lif(reset=hard,tau=4)", "lif(reset=hard,tau=4)"),
        ("lif(tau=2,reset=soft)", "lif", "lif"),
        ("lif()", "lif", "lif"),
        ("lif@loop(tau=2.5e0)", "lif(tau=2.5)", "lif(tau=2.5)"),
        ("psu@scan", "psu", "psu@scan"),
        ("psu@matmul", "psu", "psu"),
        ("psu(tau=4)@scan", "psu(tau=4)", "psu(tau=4)@scan"),
        ("psu@scan(tau=4.0)", "psu(tau=4)", "psu(tau=4)@scan"),
        ("ipsu(released=TRUE)", "ipsu(released=true)", "ipsu(released=true)"),
        (f"{WRONG}:Spin(ms=7)", f"{WRONG}:Spin(ms=7)", "Spin(ms=7)"),
        (f"{WRONG}:NoOp", f"{WRONG}:NoOp", "NoOp"),
        ("tests.wrong_neurons:Spin(b=1.0,a=x)", "tests.wrong_neurons:Spin(a=x,b=1.0)", "Spin(a=x,b=1.0)"),
    ],
)
def test_canonical_names(text, name, label):
    ref = parse(text)
    assert (ref.name, ref.label) == (name, label)
    assert parse(ref.text) == ref


def test_a_ref_in_full():
    assert parse("psu@scan(threshold=0.5,tau=4)") == NeuronRef(
        name="psu(tau=4,threshold=0.5)",
        kind="psu",
        implementation="scan",
        parameters=(("tau", 4.0), ("threshold", 0.5)),
    )


@given(st.sampled_from([s for s in TABLE.values() if s.parameters]), st.data())
def test_what_is_shown_is_read_back(spec, data):
    given_parameters = {}
    for key, default in spec.parameters.items():
        if key in CHOICES:
            value = data.draw(st.sampled_from(CHOICES[key]))
        elif isinstance(default, bool):
            value = data.draw(st.booleans())
        elif isinstance(default, int):
            value = data.draw(st.integers(2 if key == "levels" else 1, 100))
        else:
            share = key in {"lam", "c", "d", "decay", "conduct"}
            value = data.draw(st.floats(0.001, 1, exclude_max=True) if share else st.floats(1.001, 1e6))
        given_parameters[key] = value
    inside = ",".join(f"{k}={str(v).lower()}" for k, v in given_parameters.items())
    ref = parse(f"{spec.name}({inside})")
    assert {**spec.parameters, **dict(ref.parameters)} == given_parameters
    assert parse(ref.text) == ref


def test_lists():
    refs = parse_list(f"lif(tau=4,reset=hard), psu@scan,lif(reset=hard,tau=4.0),{WRONG}:Spin(ms=5)")
    assert [ref.label for ref in refs] == ["lif(reset=hard,tau=4)", "psu@scan", "Spin(ms=5)"]
    assert [ref.text for ref in parse_list("all")] == list(TABLE)
    assert [ref.label for ref in parse_list("psu@scan,all,lif")][:2] == ["psu@scan", "if"]
    assert len(parse_list("psu@scan,all,lif")) == len(TABLE) + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lfi", 'unknown neuron "lfi"; did you mean "lif"'),
        ("", "has no neuron"),
        ("lif,,psu", "no neuron between two commas"),
        ("psu@scam", 'has no implementation "scam"; did you mean "scan"'),
        ("psu@scan@matmul", "is not a neuron"),
        ("psu@scan(tau=3)@scan", "is not a neuron"),
        ("lif(taus=3)", 'has no parameter "taus"; did you mean "tau"'),
        ("lif(reset=sofd)", 'reset = "sofd"; did you mean "soft"'),
        ("lif(reset=1)", 'reset = "1"; known: soft, hard'),
        ("lif(tau=1)", r"tau = 1; beta = 1 - 1/tau must lie in \(0, 1\)"),
        ("lif(tau=-0.5)", "tau = -0.5"),
        ("lif(tau=high)", "tau = high; give a finite number"),
        ("lif(tau=true)", "tau = True"),
        ("lif(threshold=0)", "threshold = 0; give threshold > 0"),
        ("lif(alpha=-1)", "alpha = -1"),
        ("lif(decay_input=1)", "decay_input = 1; write decay_input=true"),
        ("sliding-psn(k=0)", "k = 0; the order k"),
        ("sliding-psn(k=2.5)", "k = 2.5"),
        ("masked-psn(lam=2)", "lam = 2; lambda"),
        ("lif(tau=2,tau=3)", "gives tau twice"),
        ("lif(tau)", '"tau" is not of the form key=value'),
        ("lif(tau=)", '"" is not a value'),
        ("lif(tau=2", "unbalanced parentheses"),
        ("lif)tau=2(", "unbalanced parentheses"),
        ("lif((tau=2))", "nests or repeats parentheses"),
        ("lif(tau=2)x", "is not a neuron"),
        ("nowhere/file.py:Neuron", 'there is no file "nowhere/file.py"'),
        (f"{WRONG}:NoOp@fast", "a plug-in is called with all steps at once"),
    ],
)
def test_mistakes_are_named_in_one_line(text, message):
    with pytest.raises(PsubenchError, match=message) as caught:
        parse_list(text)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_range_errors_are_neuron_errors_and_name_the_neuron():
    with pytest.raises(NeuronError, match=r'neuron "plif": tau = 0\.5'):
        parse("plif(tau=0.5)")


@pytest.mark.parametrize(
    ("given_parameters", "message"),
    [({"reset": "none"}, 'reset = "none"'), ({"tau": float("nan")}, "tau = nan"), ({"k": True}, "k = True")],
)
def test_modules_check_what_they_are_given_directly(given_parameters, message):
    with pytest.raises(NeuronError, match=message):
        check_parameters(**given_parameters)


def test_errors_that_need_T():
    with pytest.raises(NeuronError, match=r"k = 9 with T = 8; .* k <= 8"):
        build(parse("masked-psn(k=9)"), 8)
    with pytest.raises(NeuronError, match=r"membrane.*released"):
        build(parse("ipsu(released=true,estimate=membrane)"), 8)


@pytest.mark.parametrize("spec", TABLE.values(), ids=TABLE)
def test_the_table_tells_the_truth(spec):
    for where in (*spec.implementations.values(), spec.reference):
        module, _, attribute = where.partition(":")
        signature = inspect.signature(getattr(import_module(module), attribute))
        assert signature.parameters.keys() == {*spec.parameters, *(["T"] if spec.fixed_T else [])}
    for implementation in spec.implementations:
        module = build(parse(f"{spec.name}@{implementation}"), 6, (5,))
        reference = build_reference(parse(spec.name), 6).float().eval()
        reference(torch.zeros(6, 1, 5))
        shapes = {name: value.shape for name, value in module.state_dict().items()}
        assert shapes == {name: value.shape for name, value in reference.state_dict().items()}
        assert bool(shapes) == (not spec.learnable.startswith("-"))
    assert all(default in CHOICES[key] for key, default in spec.parameters.items() if key in CHOICES)
    assert spec.equation.isprintable()
    assert "arXiv:" in spec.source or "doi:" in spec.source


def test_plugins_are_built_and_questioned():
    ref = parse(f"{WRONG}:Spin(ms=0)")
    x = torch.rand(3, 4) * 2
    assert torch.equal(build(ref, 3)(x), (x >= 1).float())
    assert torch.equal(build_reference(ref, 3)(x), (x >= 1).double())
    assert causal(ref) is True
    assert causal(parse(f"{WRONG}:NoOp")) is None
    assert build_reference(parse(f"{WRONG}:NoOp"), 3) is None
    assert build_reference(parse(f"{WRONG}:NoReference"), 3) is None


@pytest.mark.parametrize("name", ["RightLIF", "NoReference"])
def test_the_right_plugins_are_right(name):
    x = torch.randn(20, 4, 30, dtype=torch.float64) + 1
    assert torch.equal(build(parse(f"{WRONG}:{name}"), 20)(x), build(parse("lif"), 20)(x))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("Neuron = 3", "Neuron is a int; a plug-in is called with T="),
        ("def Neuron(): ...", "Neuron gives a NoneType; a plug-in is called with T="),
        ("def Neuron(T, ms): ...", "cannot be called: TypeError: missing a required argument: 'ms'"),
        ("def Neuron(T): return 3", "Neuron gives a int"),
        ("def Neuron(T): raise ValueError('no\\nway')", "Neuron with T=5 raises ValueError: no way"),
        ("1/0", "fails on import: ZeroDivisionError: division by zero"),
        ("Neutron = 3", 'has no "Neuron"; did you mean "Neutron"'),
    ],
)
def test_plugins_that_cannot_be_built(tmp_path, source, message):
    (tmp_path / "plug.py").write_text(source)
    with pytest.raises(PsubenchError, match=message) as caught:
        build(parse(f"{tmp_path}/plug.py:Neuron"), 5)
    assert "\n" not in str(caught.value)
