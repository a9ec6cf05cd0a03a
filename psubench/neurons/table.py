"""THE table of neurons: equations, parameters, sources, implementations. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from psubench.neurons.spec import Default, NeuronSpec
from psubench.neurons.table_second import SPECS as SECOND

BUILT = frozenset({"fused", "compile"})
"""Implementations whose first calls build or compile code."""

ROWS = 32
"""Rows per block of a triangular product that is `fused`: fewer waste less of the triangle, more use the
processor better."""

BAND = 32
"""Largest order k for which masked-psn@fused is computed as a band: at twice that, a product is faster."""

_HERE = "psubench.neurons"
_FIRE: Mapping[str, Default] = {"threshold": 1.0, "alpha": 2.0}
_RESET: Mapping[str, Default] = {"reset": "soft", "detach_reset": True}
_LEAK: Mapping[str, Default] = {"tau": 2.0, "decay_input": True}
_PSU: Mapping[str, Default] = {"tau": 2.0, **_FIRE, "released": False}

_LAPICQUE = "Lapicque 1907; surrogate training: Neftci et al. 2019, arXiv:1901.09948"
_PLIF = "Fang et al. 2021, arXiv:2007.05785"
_PSN = "Fang et al. 2023, arXiv:2304.12760"
_LI = "Li et al. 2024, arXiv:2402.00449"

_SPECS = (
    NeuronSpec(
        name="if",
        equation="h[t] = v[t-1] + x[t];  S[t] = H(h[t] - Vth);  v[t] = h[t] - Vth S[t]",
        parameters={**_FIRE, **_RESET},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="no leak",
        source=_LAPICQUE,
        implementations={
            "loop": f"{_HERE}.serial:IF",
            "fused": f"{_HERE}.fused:IF",
            "compile": f"{_HERE}.compiled:IF",
        },
        reference=f"{_HERE}.reference_serial:IF",
    ),
    NeuronSpec(
        name="lif",
        equation="h[t] = β v[t-1] + x[t]/τ;  S[t] = H(h[t] - Vth);  v[t] = h[t] - Vth S[t]",
        parameters={**_LEAK, **_FIRE, **_RESET},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="exact",
        source=_LAPICQUE,
        implementations={
            "loop": f"{_HERE}.serial:LIF",
            "fused": f"{_HERE}.fused:LIF",
            "decoupled": f"{_HERE}.decoupled:LIF",
            "compile": f"{_HERE}.compiled:LIF",
        },
        reference=f"{_HERE}.reference_serial:LIF",
    ),
    NeuronSpec(
        name="lif-noreset",
        written="LIF without reset",
        equation="V = A x;  S = H(V - Vth);  A[t,i] = β^(t-i)/τ for i ≤ t",
        parameters={"tau": 2.0, **_FIRE},
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="no reset",
        source=_PSN,
        implementations={
            "matmul": f"{_HERE}.no_reset:NoResetLIF",
            "fused": f"{_HERE}.fused:NoResetLIF",
            "compile": f"{_HERE}.compiled:NoResetLIF",
        },
        reference=f"{_HERE}.reference_parallel:NoResetLIF",
    ),
    NeuronSpec(
        name="plif",
        equation="lif with 1/τ = σ(w)",
        parameters={**_LEAK, **_FIRE, **_RESET},
        learnable="w, 1 per layer",
        causal=True,
        fixed_T=False,
        relation="exact for the learned τ",
        source=_PLIF,
        implementations={
            "loop": f"{_HERE}.serial:PLIF",
            "fused": f"{_HERE}.fused:PLIF",
            "compile": f"{_HERE}.compiled:PLIF",
        },
        reference=f"{_HERE}.reference_serial:PLIF",
    ),
    NeuronSpec(
        name="psn",
        equation="S = H(W x + b), W full",
        parameters=_FIRE,
        learnable="W [T,T], b [T,1]",
        causal=False,
        fixed_T=True,
        relation="no reset",
        source=_PSN,
        implementations={
            "matmul": f"{_HERE}.psn:PSN",
            "fused": f"{_HERE}.fused_learned:PSN",
            "compile": f"{_HERE}.compiled:PSN",
        },
        reference=f"{_HERE}.reference_parallel:PSN",
    ),
    NeuronSpec(
        name="masked-psn",
        written="masked PSN",
        equation="S = H((W ∘ (λ M_k + 1 - λ)) x + b), M_k the causal band of order k",
        parameters={"k": 2, "lam": 1.0, **_FIRE},
        learnable="W [T,T], b [T,1]",
        causal=True,
        fixed_T=True,
        relation="no reset",
        source=_PSN,
        implementations={
            "matmul": f"{_HERE}.psn:MaskedPSN",
            "fused": f"{_HERE}.fused_learned:MaskedPSN",
            "compile": f"{_HERE}.compiled:MaskedPSN",
        },
        reference=f"{_HERE}.reference_parallel:MaskedPSN",
    ),
    NeuronSpec(
        name="sliding-psn",
        written="sliding PSN",
        equation="S[t] = H(Σ_{i<k} W_i x[t-k+1+i] + b)",
        parameters={"k": 2, **_FIRE},
        learnable="W [k], b",
        causal=True,
        fixed_T=False,
        relation="no reset",
        source=_PSN,
        implementations={
            "matmul": f"{_HERE}.psn:SlidingPSN",
            "fused": f"{_HERE}.fused:SlidingPSN",
            "compile": f"{_HERE}.compiled:SlidingPSN",
        },
        reference=f"{_HERE}.reference_parallel:SlidingPSN",
    ),
    NeuronSpec(
        name="spsn",
        equation="p = σ(A x);  S ~ Bernoulli(p)",
        parameters={"tau": 2.0, "learn_tau": False, "gradient": "straight"},
        learnable="- (w, 1 per layer, with learn_tau)",
        causal=True,
        fixed_T=False,
        relation="stochastic",
        source="Yarga & Wood 2023, arXiv:2306.12666",
        implementations={"matmul": f"{_HERE}.no_reset:SPSN", "compile": f"{_HERE}.compiled:SPSN"},
        reference=f"{_HERE}.reference_parallel:SPSN",
    ),
    NeuronSpec(
        name="psu",
        equation="U = A x;  V = U - B σ(U);  S = H(V - Vth);  B[t,i] = Vth β^(t-i) for i < t",
        parameters=_PSU,
        learnable="-",
        causal=True,
        fixed_T=False,
        relation="approximate",
        source=_LI,
        implementations={
            "matmul": f"{_HERE}.psu:PSU",
            "scan": f"{_HERE}.psu:ScanPSU",
            "fused": f"{_HERE}.fused:PSU",
            "compile": f"{_HERE}.compiled:PSU",
        },
        reference=f"{_HERE}.reference_parallel:PSU",
    ),
    NeuronSpec(
        name="ipsu",
        equation="U = (W ∘ M) x + b;  V = U - B σ(U);  S = H(V - Vth)",
        parameters={**_PSU, "init": "kaiming", "estimate": "sigmoid"},
        learnable="W [T,T], b [T,1]",
        causal=True,
        fixed_T=True,
        relation="approximate",
        source=_LI,
        implementations={
            "matmul": f"{_HERE}.psu:IPSU",
            "fused": f"{_HERE}.fused_learned:IPSU",
            "compile": f"{_HERE}.compiled:IPSU",
        },
        reference=f"{_HERE}.reference_parallel:IPSU",
    ),
    NeuronSpec(
        name="rpsu",
        equation="U = A x;  V = U - B σ((W ∘ M) x + b);  S = H(V - Vth)",
        parameters={**_PSU, "init": "kaiming"},
        learnable="W [T,T], b [T,1]",
        causal=True,
        fixed_T=True,
        relation="approximate",
        source=_LI,
        implementations={
            "matmul": f"{_HERE}.psu:RPSU",
            "fused": f"{_HERE}.fused_learned:RPSU",
            "compile": f"{_HERE}.compiled:RPSU",
        },
        reference=f"{_HERE}.reference_parallel:RPSU",
    ),
)

TABLE: Mapping[str, NeuronSpec] = MappingProxyType({spec.name: spec for spec in (*_SPECS, *SECOND)})
