"""The slow, obvious form of the counter: one Python loop over every output, channel and tap."""

import itertools
import math

DYADIC = (-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0)


def convolution_synapses(x, weight, out, stride, padding, dilation, transposed, groups):
    """Pairs of input and weight index, one per synapse, of shapes [B, C, *space]; padding has none."""
    dims = len(x) - 2
    if transposed:
        per_group_in, per_group_out = x[1] // groups, weight[1]
        for b, c, o, *rest in itertools.product(
            *map(range, (x[0], x[1], per_group_out, *x[2:], *weight[2:]))
        ):
            i, k = rest[:dims], rest[dims:]
            at = [i[d] * stride[d] - padding[d] + k[d] * dilation[d] for d in range(dims)]
            if all(0 <= at[d] < out[2 + d] for d in range(dims)):
                yield (b, c, *i), (c, o, *k)
        return
    per_group_in, per_group_out = weight[1], weight[0] // groups
    for b, o, c, *rest in itertools.product(
        *map(range, (x[0], weight[0], per_group_in, *out[2:], *weight[2:]))
    ):
        p, k = rest[:dims], rest[dims:]
        i = [p[d] * stride[d] - padding[d] + k[d] * dilation[d] for d in range(dims)]
        if all(0 <= i[d] < x[2 + d] for d in range(dims)):
            yield (b, o // per_group_out * per_group_in + c, *i), (o, c, *k)


def linear_synapses(x, weight):
    """The same for x [N, inputs] and weight [outputs, inputs]."""
    for n, o, i in itertools.product(range(x[0]), *map(range, weight)):
        yield (n, i), (o, i)


def totals(synapses, x, weight):
    """Every count of `LayerCounts` that comes from single synapses, by name."""
    found = dict.fromkeys(("sop_unit", "sop_graded", "sop_dense", "sop_eff_nzw", "sop_value"), 0)
    x, weight = x.tolist(), weight.tolist()
    for at, through in synapses:
        value, w = _item(x, at), _item(weight, through)
        found["sop_dense"] += 1
        found["sop_value"] += value
        if value != 0:
            found["sop_unit" if abs(value) == 1 else "sop_graded"] += 1
            found["sop_eff_nzw"] += w != 0
    return found


def _item(nested, index):
    for i in index:
        nested = nested[i]
    return nested


def of_convolution(x, conv):
    """`totals` and textbook MAC of a torch convolution module on x."""
    out = conv(x.to(conv.weight.dtype)).shape
    transposed = conv.transposed
    pairs = convolution_synapses(
        tuple(x.shape), tuple(conv.weight.shape), tuple(out),
        conv.stride, conv.padding, conv.dilation, transposed, conv.groups,
    )  # fmt: skip
    places = math.prod((x.shape if transposed else out)[2:])
    return totals(pairs, x, conv.weight) | {"mac_textbook": x.shape[0] * places * conv.weight.numel()}


def of_linear(x, weight):
    """`totals` and textbook MAC of x [..., inputs] times weight [outputs, inputs]."""
    x = x.flatten(0, -2)
    pairs = linear_synapses(tuple(x.shape), tuple(weight.shape))
    return totals(pairs, x, weight) | {"mac_textbook": x.shape[0] * weight.numel()}
