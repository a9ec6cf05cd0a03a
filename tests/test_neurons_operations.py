"""Operations of neurons: the formulas against hand counts, and against what the code really runs."""

import textwrap

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from psubench.errors import PsubenchError
from psubench.neurons import TABLE, build, parse
from psubench.neurons.operations import EXECUTED, IDEAL, Operations, dynamics

# Counted by hand from the equations of shared definitions, for T = 3.
# lif: 3 leaks; a spike takes Vth off. psn: 9 products. Order 2: 1 + 2 + 2. psu: u and r. ipsu: 1 + 2 + 3
# products for U and 3 for r. rpsu: 6 for the estimate, 3 for A x, 3 for r.
BY_HAND = {
    "if": Operations(mac=0, ac=3, ac_per_spike=1, cmp=3),
    "if(reset=hard)": Operations(mac=0, ac=3, cmp=3),
    "lif": Operations(mac=3, ac_per_spike=1, cmp=3),
    "lif(reset=hard)": Operations(mac=3, cmp=3),
    "plif": Operations(mac=3, ac_per_spike=1, cmp=3),
    "lif-noreset": Operations(mac=3, cmp=3),
    "psn": Operations(mac=9, cmp=3),
    "masked-psn": Operations(mac=5, cmp=3),
    "masked-psn(k=3)": Operations(mac=6, cmp=3),
    "masked-psn(lam=0.5)": Operations(mac=9, cmp=3),
    "sliding-psn": Operations(mac=5, cmp=3),
    "sliding-psn(k=7)": Operations(mac=6, cmp=3),
    "spsn": Operations(mac=3, cmp=3, nonlin=3),
    "psu": Operations(mac=6, ac=3, cmp=3, nonlin=3),
    "psu@scan": Operations(mac=6, ac=3, cmp=3, nonlin=3),
    "ipsu": Operations(mac=9, ac=6, cmp=3, nonlin=3),
    "ipsu(estimate=membrane)": Operations(mac=12, ac=6, cmp=3),
    "ipsu(estimate=input)": Operations(mac=9, ac=6, cmp=3),
    "ipsu(released=true)": Operations(mac=9, ac=6, cmp=3),
    "rpsu": Operations(mac=12, ac=6, cmp=3, nonlin=3),
    "relu": Operations(cmp=3),
    "quant-relu": Operations(cmp=6, nonlin=3),  # two ends, rounded
}


@pytest.mark.parametrize("text", BY_HAND)
def test_ideal_operations_are_the_hand_count(text):
    assert dynamics(parse(text), 3).ideal == BY_HAND[text]


def test_no_neuron_and_no_implementation_is_forgotten():
    assert set(IDEAL) == set(TABLE)
    forms = {(name, form) for name, spec in TABLE.items() for form in spec.implementations}
    assert set(EXECUTED) == {(name, form) for name, form in forms if form != "compile"}
    assert dynamics(parse("psu@compile"), 8) == dynamics(parse("psu"), 8)  # in fewer passes


# Counted by hand from fused_lif.h, fused_stateful.h, fused_band.h and fused_learned.py, for T = 66: three
# blocks of rows, 32 x 32, 32 x 64 and 2 x 66 products.
FUSED_BY_HAND = {
    "lif@fused": Operations(mac=132, ac=66, cmp=66),
    "lif@fused(reset=hard)": Operations(mac=132, cmp=66),
    "lif-noreset@fused": Operations(mac=132, cmp=66),
    "cuba-lif@fused": Operations(mac=132, cmp=66),
    "cuba-lif@fused(reset=soft)": Operations(mac=132, ac=66, cmp=66),
    "clif@fused": Operations(mac=264, ac=66, cmp=66, nonlin=132),
    "glif@fused": Operations(mac=264, ac=66, cmp=66),
    "adlif@fused": Operations(mac=330, ac=132, cmp=66),
    "tc-lif@fused": Operations(mac=264, ac=66, cmp=66),
    "ilif@fused": Operations(mac=198, cmp=132, nonlin=66),
    "ternary-lif@fused": Operations(mac=66, ac=132, cmp=132),
    "ternary-lif@fused(reset=soft)": Operations(mac=132, ac=66, cmp=132),
    "psn@fused": Operations(mac=4356, ac=66, cmp=66),
    "masked-psn@fused": Operations(mac=131, cmp=66),
    "masked-psn@fused(k=33)": Operations(mac=4356, ac=66, cmp=66),
    "sliding-psn@fused": Operations(mac=131, cmp=66),
    "psu@fused": Operations(mac=264, ac=66, cmp=66, nonlin=66),
    "ipsu@fused": Operations(mac=3204 + 264, ac=132, cmp=66, nonlin=66),
    "ipsu@fused(estimate=membrane)": Operations(mac=3204, ac=66, cmp=66),
    "rpsu@fused": Operations(mac=3204 + 264, ac=132, cmp=66, nonlin=66),
}


@pytest.mark.parametrize("text", FUSED_BY_HAND)
def test_what_fused_forms_execute_is_the_hand_count(text):
    assert dynamics(parse(text), 66).executed == FUSED_BY_HAND[text]


class Executed(TorchDispatchMode):
    """Arithmetic of a single neuron, from the operations that its code runs."""

    def __init__(self):
        super().__init__()
        self.found = dict.fromkeys(("mac", "ac", "cmp", "nonlin"), 0)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with self:
            parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        output = func(*args, **kwargs)
        name = func.name().partition(".")[0].removeprefix("aten::").rstrip("_")
        if isinstance(output, torch.Tensor) and not (name in {"add", "sub"} and output.dim() == 0):
            self.count(name, output.numel(), args, kwargs)
        return output

    def count(self, name, size, args, kwargs):
        scaled = kwargs.get("alpha", 1) != 1
        work = {
            "mm": {"mac": lambda: args[0].shape[1]},
            "addmm": {"mac": lambda: args[1].shape[1], "ac": lambda: 1},
            "lerp": {"mac": lambda: 1, "ac": lambda: 1},
            "addcmul": {"mac": lambda: 1},
            "mul": {"mac": lambda: 1},
            "add": {"mac" if scaled else "ac": lambda: 1},
            "sub": {"mac" if scaled else "ac": lambda: 1},
            "ge": {"cmp": lambda: 1},
            "lt": {"cmp": lambda: 1},
            "sigmoid": {"nonlin": lambda: 1},
        }
        for kind, per_output in work.get(name, {}).items():
            self.found[kind] += size * per_output()


@pytest.mark.parametrize("T", [1, 2, 5])
@pytest.mark.parametrize(
    "text",
    [
        "if(threshold=0.5)", "if(reset=hard)", "lif(threshold=0.5)", "lif(reset=hard)",
        "lif(decay_input=false,threshold=0.5)", "lif-noreset", "psn", "masked-psn(k=1)", "sliding-psn",
        "spsn", "psu", "psu@scan(threshold=0.5)", "ipsu", "ipsu(estimate=input)", "rpsu",
        "ipsu(estimate=membrane)",
    ],
)  # fmt: skip
def test_executed_operations_are_what_the_code_runs(text, T):
    ref = parse(text)
    neuron = build(ref, T)
    with torch.inference_mode():
        neuron(torch.zeros(T, 1, 1))  # matrices that are kept are made now
        masks = torch.zeros(T, 1, 1)
        with Executed() as executed:
            neuron(masks)
    due = dynamics(ref, T).executed
    assert executed.found == {name: getattr(due, name) for name in executed.found}


def plugin(tmp_path, body):
    path = tmp_path / "mine.py"
    path.write_text(f"import torch\nclass Mine(torch.nn.Module):\n{textwrap.indent(body, '    ')}\n")
    return parse(f"{path}:Mine(k=2)")


def test_a_plug_in_declares_its_operations_or_they_are_unknown(tmp_path):
    assert dynamics(plugin(tmp_path, "pass"), 4) is None


def test_a_plug_in_is_asked_as_its_neuron_is_called(tmp_path):
    found = dynamics(
        plugin(tmp_path, "operations = lambda T, k: {'mac': k * T, 'cmp': T, 'executed': {'mac': T * T}}"), 4
    )
    assert found.ideal == Operations(mac=8, cmp=4)
    assert found.executed == Operations(mac=16)
    assert not found.serial


def test_what_a_plug_in_leaves_out_is_executed_as_declared(tmp_path):
    found = dynamics(plugin(tmp_path, "operations = lambda T, k: {'mac': 3}"), 4)
    assert found.executed == found.ideal == Operations(mac=3)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("operations = lambda T: {}", "raises TypeError"),
        ("operations = lambda T, k: 7", "gives a int"),
        ("operations = lambda T, k: {'macs': 7}", 'gives "macs"; did you mean "mac"'),
        ("operations = lambda T, k: {'mac': 0.5}", "gives mac=0.5"),
        ("operations = lambda T, k: {'mac': -1}", "gives mac=-1"),
        ("operations = lambda T, k: {'executed': 3}", "gives executed=3"),
    ],
)
def test_a_wrong_declaration_is_told(tmp_path, body, complaint):
    with pytest.raises(PsubenchError, match=complaint):
        dynamics(plugin(tmp_path, body), 4)
