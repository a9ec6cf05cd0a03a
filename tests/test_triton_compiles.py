"""Every Triton kernel of a serial neuron compiles for a GPU; none has to be there."""

import pytest

pytestmark = pytest.mark.slow

triton = pytest.importorskip("triton", reason="Triton is not installed: pip install 'psubench[triton]'")

from psubench.neurons import fused_triton  # noqa: E402

NUMBERS = {
    "lif": (1.0, 1.0, 2.0, 0.0, 0.5), "psu": (0.5, 0.5, 0.5, 1.0, 1.0, 2.0),
    "cuba": (0.5, 1.0, 0.0, 0.5, 0.75), "clif": (1.0, 1.0, 0.5), "glif": (1.0,), "adlif": (1.0, 1.0),
    "tc": (1.0, 1.0, 0.5), "ilif": (1.0, 0.75, 4.0, 0.0), "ternary": (1.0, 4.0, 0.0, 0.75),
}  # fmt: skip
H100 = ("cuda", 90, 32)


@pytest.mark.parametrize("name", fused_triton.KINDS)
def test_it_compiles_forwards_and_backwards(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")  # unset, Triton 3.9 warns
    kind = fused_triton.KINDS[name]
    learned = kind.own > 0 or kind.name in {"glif", "tc"}
    call = fused_triton.Call(kind, (kind.reset, learned, *NUMBERS[kind.name]), 1, 1)
    states, layer, step, own = call.shape()
    constants = {
        "numbers": call.numbers, "apart": name == "rpsu", "train": True, "CHUNK": fused_triton.CHUNK,
        "BLOCK": fused_triton.BLOCK, "STATES": states, "LAYER": layer, "STEP": step, "OWN": own,
        "step": call.function("step"), "back": call.function("back"),
    }  # fmt: skip
    for kernel in (fused_triton.kernels.serial_forward, fused_triton.kernels.serial_backward):
        types = {
            argument: "constexpr" if argument in constants
            else "i32" if argument in {"T", "N", "channels", "inner"} else "*fp32"
            for argument in kernel.arg_names
        }  # fmt: skip
        fixed = {(i,): constants[a] for i, a in enumerate(kernel.arg_names) if a in constants}
        source = triton.compiler.ASTSource(fn=kernel, signature=types, constexprs=fixed)
        made = triton.compile(source, target=triton.backends.compiler.GPUTarget(*H100))
        assert "ptx" in made.asm
