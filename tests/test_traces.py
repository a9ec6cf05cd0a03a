"""What a trace says: against torch's own sums, against kineto's own links, and on traces made by hand."""

import gzip
import json
from collections import Counter

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, record_function, schedule

from psubench import models, neurons
from psubench.experiments.profile import ranges
from psubench.experiments.profile import trace as profile_trace
from psubench.experiments.profile.trace import events, operators, places
from psubench.measure.inputs import Inputs
from psubench.measure.subjects import build

CALLS = 2


def subject(neuron, mode, T=3):
    case = {"model": "mlp(width=0.1)", "T": T, "phase": "train"}
    x = torch.randn(T, 2, 5, generator=torch.Generator().manual_seed(1))
    return build(case, neurons.parse(neuron), mode, Inputs(x, None, 10), x, 0, lambda: None)


def record(one, path):
    """Profiles a subject; its layers, and torch's own view of the same trace."""
    call = one.call()
    plan = schedule(wait=0, warmup=1, active=CALLS, repeat=1)
    with (
        ranges.named(one) as layers,
        profile(
            activities=[ProfilerActivity.CPU], schedule=plan, profile_memory=True,
            on_trace_ready=lambda p: p.export_chrome_trace(str(path)),
        ) as profiler,
    ):  # fmt: skip
        for _ in range(1 + CALLS):
            call()
            profiler.step()
    return layers, profiler


@pytest.fixture(scope="module", params=["lif step", "psu layer", "psu@scan layer"])
def traced(request, tmp_path_factory):
    neuron, mode = request.param.split()
    one = subject(neuron, mode)
    path = tmp_path_factory.mktemp("trace") / "one.json.gz"
    layers, profiler = record(one, path)
    described = [{"title": x.title, "layer": x.name, "role": x.role, "kind": x.kind} for x in layers]
    return one, path, described, profiler


def test_operators_have_the_sums_that_torch_gives_them(traced):
    _, path, layers, profiler = traced
    ours = {}
    for row in profile_trace.summarise(profile_trace.read(path), layers, on_device=False)["operators"]:
        sums = ours.setdefault(row["operator"], [0, 0.0, 0.0, 0])
        for place, name in enumerate(("calls", "self_ns", "total_ns", "bytes")):
            sums[place] += row[name]
    theirs = {
        one.key: [one.count, one.self_cpu_time_total, one.cpu_time_total, one.self_cpu_memory_usage]
        for one in profiler.key_averages()
        if one.key in ours
    }
    assert len(ours) > 20
    assert set(theirs) == set(ours)
    for name, (count, self_ns, total_ns, kept) in ours.items():
        assert count == theirs[name][0], name
        # Theirs are microseconds, each event rounded to a nanosecond.
        assert self_ns / 1e3 == pytest.approx(theirs[name][1], abs=0.01 * count)
        assert total_ns / 1e3 == pytest.approx(theirs[name][2], abs=0.01 * count)
        assert kept == theirs[name][3], name


def test_the_parts_are_the_whole(traced):
    _, path, layers, _ = traced
    found = profile_trace.summarise(profile_trace.read(path), layers, on_device=False)
    assert found["calls"] == CALLS
    parts = [layer[way]["self_ns"] for layer in found["layers"] for way in ("forward", "backward")]
    assert sum(parts) == sum(found["call_ns"])


def test_backward_goes_where_the_links_of_the_profiler_point(traced):
    """kineto joins a backward node with the operator that made it by arrows of its own in the file."""
    _, path, layers, _ = traced
    with gzip.open(path) as file:
        raw = json.load(file, parse_float=str)["traceEvents"]
    titles = {layer["title"] for layer in layers}
    place = {event.start: where for event, where in places.placed(profile_trace.read(path), titles)}
    arrows = {}
    for event in raw:
        if event.get("cat") == "fwdbwd":
            arrows.setdefault(event["id"], {})[event["ph"]] = events._ns(event["ts"])
    pairs = [(place[ends["s"]], place[ends["f"]]) for ends in arrows.values() if set(ends) == {"s", "f"}]
    assert len(pairs) >= 10
    for forward, backward in pairs:
        assert (forward.backward, backward.backward) == (False, True)
        assert backward.title == forward.title


def test_every_layer_is_a_range_and_has_the_backward_nodes_of_its_kind(traced):
    one, path, layers, _ = traced
    trace = profile_trace.read(path)
    titles = {layer["title"]: layer for layer in layers}
    steps = 3 if one.mode == "step" else 1
    begun = Counter(
        e.name for roots in trace.threads.values() for root in roots for e in root.walk() if e.name in titles
    )
    assert begun == dict.fromkeys(titles, CALLS * steps)
    assert [layer["layer"] for layer in layers] == [
        "fc1", "bn1", "neuron1", "fc2", "bn2", "neuron2", "fc3",
    ]  # fmt: skip
    roles = {"fc": "synapse", "bn": "other", "neuron": "neuron"}
    assert all(roles[layer["layer"][:-1]] == layer["role"] for layer in layers)
    where = [
        (event.name.rsplit(" ", 1)[-1], titles[place.title]["layer"])
        for event, place in places.placed(trace, titles)
        if event.name.startswith("autograd::engine::evaluate_function") and place.title
    ]
    nodes = {"NativeBatchNormBackward0": "bn", "_HeavisideBackward": "neuron"}
    if one.ref.text != "psu":  # whose equation has a product of its own
        nodes["AddmmBackward0"] = "fc"
    for node, kind in nodes.items():
        layers_of_node = [layer for name, layer in where if name == node]
        assert len(layers_of_node) >= 2 * CALLS * steps
        assert all(layer.startswith(kind) for layer in layers_of_node)


def test_when_the_ranges_are_off_nothing_of_them_is_left():
    one = subject("lif", "step")

    def found():
        return {
            name: (set(vars(module)), dict(module._forward_hooks), dict(module._forward_pre_hooks))
            for name, module in one.module.named_modules()
        }

    before = found()
    with ranges.named(one):
        assert found() != before
        one.call()()
    assert found() == before


def test_dispatches_of_a_line_of_python_counted_by_hand():
    def dispatched(call):
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            call()
        path = dispatched.folder / "trace.json"
        profiler.export_chrome_trace(str(path))
        roots = [root for some in profile_trace.read(path).threads.values() for root in some]
        return [event.name for root in roots for event in operators.dispatches(root)]

    import tempfile
    from pathlib import Path

    x, layer = torch.randn(4, 6), torch.nn.Linear(6, 6)
    with tempfile.TemporaryDirectory() as folder:
        dispatched.folder = Path(folder)
        assert dispatched(lambda: torch.add(x, 1)) == ["aten::add"]
        assert dispatched(lambda: layer(x)) == ["aten::linear"]
        assert dispatched(lambda: x.view(24).unbind(0)) == []
        assert dispatched(lambda: x.t().reshape(24)) == ["aten::clone"]
        assert dispatched(lambda: x.reshape(24)) == []
        assert dispatched(lambda: x.to(torch.float64)) == ["aten::_to_copy"]
        assert dispatched(lambda: torch.empty(3)) == []
        assert sorted(dispatched(lambda: torch.stack([x, x]).sum())) == ["aten::stack", "aten::sum"]
        # A range around them is not an operator, and what it holds is counted.
        with torch.no_grad():
            assert len(dispatched(lambda: [record_function("r").__enter__(), x.add(1), x.mul(2)])) == 2


def test_the_operators_that_do_no_work_are_views_or_empty_by_their_schemas():
    empty = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}
    schemas = {}
    for schema in torch._C._jit_get_all_schemas():
        schemas.setdefault(schema.name, []).append(schema)

    def aliases(schema):
        return [r.alias_info is not None and not r.alias_info.is_write for r in schema.returns]

    for name in sorted(operators.WORKLESS):
        short = name.removeprefix("aten::")
        tensors = [s for s in schemas[name] if any("Tensor" in str(r.type) for r in s.returns)]
        packet = getattr(torch.ops.aten, short)
        in_place = any(torch.Tag.inplace_view in getattr(packet, one).tags for one in packet.overloads())
        viewing = short == "_unsafe_view" or (
            tensors and all(all(aliases(s)) for s in tensors if not s.name.endswith("out"))
        )
        mixed = short in ("slice", "split")  # of lists too, which are no tensors
        assert short in empty or in_place or viewing or mixed or not tensors, name
    for name in ("aten::add", "aten::copy_", "aten::clone", "aten::zero_", "aten::cat", "aten::lerp"):
        assert name not in operators.WORKLESS


def test_a_network_of_the_users_has_ranges_of_its_leaves_and_none_inside_a_neuron():
    class Deep(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Linear(2, 2)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.block = torch.nn.Sequential(torch.nn.Conv1d(1, 1, 1), torch.nn.ReLU())
            self.spike = Deep()

    net = Net()
    one = subject("lif", "layer")
    one.module, one.network = net, models.Network(net, {"spike": net.spike}, (1,))
    assert [(x.name, x.role) for x in ranges.layers(one)] == [
        ("block.0", "synapse"), ("block.1", "other"), ("spike", "neuron"),
    ]  # fmt: skip
