"""Rows of the table of neurons: neurons from the literature for comparison. Imports no torch."""

from __future__ import annotations

from psubench.neurons.spec import NeuronSpec

_HERE = "psubench.neurons"


def _of(default: str, module: str, name: str) -> dict[str, str]:
    """The default implementation, and the same compiled."""
    return {default: f"{_HERE}.{module}:{name}", "compile": f"{_HERE}.compiled:{name}"}


def _loop(module: str, name: str) -> dict[str, str]:
    """The loop, the same fused, and compiled."""
    return {**_of("loop", module, name), "fused": f"{_HERE}.fused_stateful:{name}"}


_SERIAL = (
    NeuronSpec(
        name="cuba-lif",
        equation="I[t] = c I[t-1] + x[t];  h[t] = d v[t-1] + I[t];  S[t] = H(h[t] - Vth);  v = h (1 - S)",
        parameters={
            "c": 0.5, "d": 0.75, "learn_decay": False, "threshold": 0.5, "alpha": 1.0,
            "reset": "hard", "detach_reset": False,
        },
        learnable="- (c = σ(w[0]) and d = σ(w[1]), 1 each per layer, with learn_decay)",
        causal=True,
        fixed_T=False,
        relation="a leaky synapse in front",
        source="lava, NIR; Synaptic of snnTorch: Eshraghian et al. 2021, arXiv:2109.12894",
        implementations=_loop("stateful", "CubaLIF"),
        reference=f"{_HERE}.reference_stateful:CubaLIF",
    ),
    NeuronSpec(
        name="clif",
        equation="h = β v + x;  S = H(h - Vth);  m[t] = m[t-1] σ(h[t]/τ) + S[t];  v = h - S (Vth + σ(m))",
        parameters={"tau": 2.0, "threshold": 1.0, "alpha": 1.0},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="a reset that deepens with every spike",
        source="Huang et al. 2024, arXiv:2402.04663",
        implementations=_loop("stateful", "CLIF"),
        reference=f"{_HERE}.reference_stateful:CLIF",
    ),
    NeuronSpec(
        name="glif",
        equation=(
            "h[t] = (1 - a (1 - τ)) v[t-1] (1 - g S[t-1]) - (1 - a) leak + x[t] (1 - b (1 - c[t]))"
            " - (1 - g) Vsub S[t-1];  S[t] = H(h[t] - Vth);  v = h"
        ),
        parameters={"decay": 0.25, "threshold": 0.5, "conduct": 0.5, "alpha": 1.0},
        learnable="a, b, g, τ, Vth, leak, Vsub, c [T], per layer, each through σ",
        causal=True,
        fixed_T=True,
        relation="gates blend leak, input and reset",
        source="Yao et al. 2022, arXiv:2210.13768",
        implementations=_loop("gated", "GLIF"),
        reference=f"{_HERE}.reference_stateful:GLIF",
    ),
    NeuronSpec(
        name="adlif",
        written="AdLIF",
        equation=(
            "w[t] = bw w[t-1] + a u[t-1] + b S[t-1];  u[t] = al (u[t-1] - S[t-1]) + (1 - al)(x[t] - w[t]);"
            "  S[t] = 1 for u[t] > Vth"
        ),
        parameters={"threshold": 1.0, "alpha": 1.0},
        learnable="al, bw, a, b, per channel, within the published ranges",
        causal=True,
        fixed_T=False,
        relation="adapts to potential and spikes",
        source="Bittar & Garner 2022, doi:10.3389/fnins.2022.865897",
        implementations=_loop("adaptive", "AdLIF"),
        reference=f"{_HERE}.reference_stateful:AdLIF",
        per_channel=True,
    ),
    NeuronSpec(
        name="tc-lif",
        equation=(
            "v1 = v1 - σ(w[0]) v2 + x;  v2 = v2 + σ(w[1]) v1;  S = H(v2 - Vth);"
            "  v1 = v1 - γ S;  v2 = v2 - Vth S"
        ),
        parameters={"gamma": 0.5, "threshold": 1.0, "alpha": 1.0},
        learnable="w [2] per layer",
        causal=True,
        fixed_T=False,
        relation="two compartments",
        source="Zhang et al. 2024, arXiv:2308.13250",
        implementations=_loop("stateful", "TCLIF"),
        reference=f"{_HERE}.reference_stateful:TCLIF",
    ),
    NeuronSpec(
        name="ilif",
        written="I-LIF",
        equation="h[t] = β v[t-1] + x[t];  C[t] = round(clip(h[t]/Vth, 0, D));  v[t] = h[t] - Vth C[t]",
        parameters={"tau": 4 / 3, "threshold": 1.0, "D": 4, "detach_reset": True},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="several spikes per step as a count",
        source="Luo et al. 2024, arXiv:2407.20708",
        implementations=_loop("multilevel", "ILIF"),
        reference=f"{_HERE}.reference_stateful:ILIF",
        output="counts",
    ),
    NeuronSpec(
        name="ternary-lif",
        written="ternary LIF",
        equation="h[t] = β v[t-1] + x[t];  S[t] = H(h[t] - Vth) - H(-h[t] - Vth);  v = h (1 - abs(S))",
        parameters={"tau": 4 / 3, "threshold": 1.0, "alpha": 4.0, "reset": "hard", "detach_reset": False},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="spikes of both signs",
        source="Guo et al. 2024, arXiv:2312.06372",
        implementations=_loop("multilevel", "TernaryLIF"),
        reference=f"{_HERE}.reference_stateful:TernaryLIF",
        output="ternary",
    ),
)  # fmt: skip

_PARALLEL = (
    NeuronSpec(
        name="fpt",
        equation="s_0 = σ(α (A x - Vth));  s_k = σ(α (A x - B s_{k-1} - Vth)), k = 1..K;  S = H in the last",
        parameters={
            "K": 3, "hard": False, "tau": 2.0, "decay_input": True, "threshold": 1.0, "alpha": 4.0,
        },
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="tends to lif as K grows, equal to it from K = T - 1 on with hard=true",
        source="Feng et al. 2025, arXiv:2506.12087",
        implementations=_of("matmul", "fixed_point", "FPT"),
        reference=f"{_HERE}.reference_convolved:FPT",
        approximates="lif",
    ),
    NeuronSpec(
        name="prf",
        equation="z[t] = exp(dt (-1/τ + i θ)) z[t-1] + dt x[t];  S[t] = H(Re z[t] - Vth)",
        parameters={"tau": 2.0, "scale": 1.0, "threshold": 1.0, "alpha": 2.0},
        learnable="log dt, log θ, per channel",
        causal=True,
        fixed_T=False,
        relation="resonates, no reset",
        source="Huang et al. 2024, arXiv:2410.03530",
        implementations=_of("fft", "convolution", "PRF"),
        reference=f"{_HERE}.reference_convolved:PRF",
        per_channel=True,
    ),
    NeuronSpec(
        name="pmsn",
        equation=(
            "y = k * x + D x;  k[t] = Re Σ_n C_n B_n exp(A_n dt t), n < 4;  c[t] = c[t-1] + relu(y[t]);"
            "  S[t] = clamp(floor((c[t] - Vth floor(c[t-1]/Vth))/Vth), 0, 1)"
        ),
        parameters={"threshold": 1.0},
        learnable="A, B, C complex [4], dt, D: 26 per channel",
        causal=True,
        fixed_T=False,
        relation="four compartments, the spiking one alone is reset",
        source="Chen et al. 2024, arXiv:2408.14917",
        implementations=_of("fft", "compartments", "PMSN"),
        reference=f"{_HERE}.reference_convolved:PMSN",
        per_channel=True,
    ),
    NeuronSpec(
        name="mulfree-psn",
        written="mul-free PSN",
        equation="h[t] = Σ_{i<k} sign(W_i) 2^round(log2 abs(W_i)) x[t-(k-1-i) d];  S = H(BN(h))",
        parameters={"k": 4, "dilation": 1, "alpha": 2.0},
        learnable="W [k], scale and offset of BN, per channel",
        causal=True,
        fixed_T=False,
        relation="no reset",
        source="Xue et al. 2025, arXiv:2501.14490",
        implementations=_of("conv", "convolution", "MulFreePSN"),
        reference=f"{_HERE}.reference_convolved:MulFreePSN",
        per_channel=True,
        causal_in_training=False,
    ),
)  # fmt: skip

_ACTIVATIONS = (
    NeuronSpec(
        name="relu",
        written="ReLU",
        equation="y = max(x, 0)",
        parameters={},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="not a spiking neuron: an ANN, run once",
        source="Fukushima 1969, doi:10.1109/TSSC.1969.300225",
        implementations=_of("once", "activations", "ReLU"),
        reference=f"{_HERE}.reference_stateful:ReLU",
        output="analog",
        ann=True,
    ),
    NeuronSpec(
        name="quant-relu",
        written="quantized ReLU",
        equation="y = round(clip(x/Vth, 0, levels - 1))",
        parameters={"levels": 5, "threshold": 1.0},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="not a spiking neuron: an ANN, run once; one step of ilif",
        source="Zhou et al. 2016, arXiv:1606.06160",
        implementations=_of("once", "activations", "QuantReLU"),
        reference=f"{_HERE}.reference_stateful:QuantReLU",
        output="levels",
        ann=True,
    ),
)

SPECS = (*_SERIAL, *_PARALLEL, *_ACTIVATIONS)
