"""Random combinations of the options of every command, good values and bad ones; nothing is long or loud."""

import os
import random
import tempfile
from pathlib import Path

from support.robustness import EXAMPLE, ends_well

ROOT = Path(__file__).parent.parent.parent
WORDS = (
    "",
    " ",
    "x",
    "-1",
    "0",
    "1e9",
    "nan",
    "inf",
    "µ\u2028",
    "\udcff",
    "a" * 300,
    "9" * 5000,
    "../..",
    "%s{}",
)
NEURONS = (
    "lif", "psu,psu@scan", "all", "psu@scna", "lif(tau=4,reset=hard)", "lif(tau=)", "lif(tau=1e999)", "lif((",
    "masked-psn(k=99)", "mine.py:X", "no.such:Thing", "lif,,psu", "sliding-psn(k=2),spsn",
    ":", "a:b@c", "lif@",
    f"lif(tau={'9' * 400})", "plif(tau=-1)", "os:getcwd",
)  # fmt: skip
RANGES = (
    "4",
    "4..16",
    "1..3+1",
    "4,10",
    "9..4",
    "0..8",
    "4..",
    "1..99999+1",
    "4..64x1",
    "2..2",
    "1,1,1",
    "1e3",
)
MODELS = (
    "neuron", "shd", "shd(width=0.25)", "vggsnn(width=0.05)", "mlp", "vggsn", "mlp(hidden=0)", "x",
    "shd(depth=-3)", "no.py:net", "vggsnn(width=1e9)",
)  # fmt: skip
DATA = ("normal", "spoken-digits", "normal(mu=1)", "normal(mu=x)", "shd", "fashion-mnist-events", "nothing")
SHARES = ("2%", "0.02", "200%", "nan", "-1%", "%", "1e-300", "0.5%")
SIZES = ("1GiB", "500MB", "lots", "0", "-3", "9" * 400 + "GiB", "1e5", "2 kib")
COUNTS = ("1", "2", "0", "-1", "1.5", "x", "99999999999999999999999999", "3")
SEEDS = ("0,1", "x", "-1", "9" * 5000, "4294967296", "0,,1")
SECONDS = ("0.1", "1", "nan", "inf", "-1", "1e308", "x", "3600")
DEVICES = ("cpu", "scripted", "cuda", "cuda:99", "gpu", "CPU", "scripted:1")
PHASES = ("infer", "train", "infer,train", "test", "train,train", ",")
MODES = ("layer", "step", "layer,step", "steps")
DTYPES = ("float32", "float64", "bfloat16", "float8")
FORMATS = ("csv", "json", "markdown", "latex", "xml", "svg", "pdf,svg", "table", "github", "")
RUNS = (str(EXAMPLE), str(EXAMPLE.parent), "nowhere", ".", "/dev/null", str(ROOT / "README.md"), "a\nb")
SUITES = tuple(str(path) for path in sorted((ROOT / "suites").glob("*.toml"))) + RUNS[2:]
FLAG = (None,)
PLAN = {
    "--T": RANGES, "--batch": RANGES, "--size": RANGES, "--neurons": NEURONS, "--model": MODELS,
    "--data": DATA, "--device": DEVICES, "--dtype": DTYPES, "--phase": PHASES,
    "--mode": MODES, "--threads": COUNTS, "--timeout": SECONDS, "--max-memory": SIZES, "--seed": COUNTS,
    "--json": FLAG, "--quiet": FLAG, "--resume": FLAG, "--yes": FLAG,
    "--out": ("out", "/dev/null/x", "a/b/c", "\udcff"),
}  # fmt: skip
TIMED = {"--reference": NEURONS, "--processes": COUNTS}
SPEED = {**PLAN, **TIMED, "--precision": SHARES, "--max-seconds": SECONDS, "--no-memory": FLAG}
ENERGY = {**PLAN, **TIMED, "--windows": COUNTS, "--window": SECONDS}
COUNTED = {
    **{name: values for name, values in PLAN.items() if name not in ("--size", "--phase", "--mode")},
    "--batch": RANGES, "--samples": COUNTS, "--first-layer": ("sparse_mac", "as_events", "none"),
    "--pooling": ("graded", "fold", "max"), "--strict": FLAG,
    "--energy-model": ("horowitz45-fp32", "x.toml", "y"),
}  # fmt: skip
RUN = {
    **{
        name: SPEED[name] for name in ("--device", "--threads", "--processes", "--precision", "--max-seconds")
    },
    **{name: SPEED[name] for name in ("--seed", "--out", "--resume", "--yes", "--quiet", "--json")},
    "--timeout": SECONDS,
    "--max-memory": SIZES,
    "--windows": COUNTS,
    "--window": SECONDS,
    "--jobs": COUNTS,
}
LEARN = {name: PLAN[name] for name in ("--device", "--threads", "--out", "--resume", "--quiet", "--json")}
TRAIN = {
    **LEARN, "--neurons": NEURONS, "--model": MODELS, "--data": DATA, "--T": RANGES, "--epochs": COUNTS,
    "--batch": RANGES, "--lr": SECONDS, "--seeds": SEEDS, "--recipe": SUITES, "--deterministic": FLAG,
    "--neuron": NEURONS, "--seed": COUNTS,
}  # fmt: skip
ACCURACY = {
    **LEARN, "--neurons": NEURONS, "--epochs": COUNTS, "--suite": SUITES, "--recipe": SUITES,
    "--seeds": SEEDS, "--jobs": COUNTS, "--T": RANGES, "--batch": RANGES,
}  # fmt: skip
COMMANDS = {
    ("speed", "--dry-run"): (SPEED, ()),
    ("sparsity", "--dry-run"): (COUNTED, ()),
    ("energy", "--dry-run"): (ENERGY, ()),
    ("profile", "--dry-run"): (PLAN, ()),
    ("run", "--dry-run"): (RUN, SUITES),
    ("train", "--dry-run"): (TRAIN, ()),
    ("accuracy", "--dry-run"): (ACCURACY, ()),
    ("show",): ({"--json": FLAG}, RUNS),
    ("export",): ({"--format": FORMATS, "--out": ("out.txt", "/dev/null/x", ".")}, RUNS),
    ("compare",): (
        {"--format": FORMATS, "--margin": SHARES, "--strict": FLAG, "--gate": NEURONS},
        RUNS,
    ),
    ("list",): ({"--json": FLAG}, ("neurons", "data", "devices", "energy-models", "stars")),
    ("data", "list"): ({"--json": FLAG}, ()),
    ("data", "get"): ({"--mirror": ("file:///nowhere", "x"), "--quiet": FLAG}, ("spoken-digits", "nothing")),
    ("doctor", "--seconds", "0"): (
        {"--device": DEVICES, "--margin": SHARES, "--processes": COUNTS, "--json": FLAG},
        (),
    ),
}
TINY = (
    "speed", "--device", "scripted", "--T", "2", "--batch", "1", "--size", "4", "--data", "normal", "--quiet",
    "--processes", "1", "--max-seconds", "0.01", "--no-memory", "--phase", "infer", "--timeout", "20",
)  # fmt: skip
TINY_OPTIONS = {
    "--neurons": NEURONS,
    "--reference": NEURONS,
    "--dtype": DTYPES,
    "--seed": COUNTS,
    "--json": FLAG,
}


def combination(seed, *, real=0.02):
    """The arguments of the `seed`-th call; of `real` of them something is measured."""
    draw = random.Random(seed)
    if draw.random() < real:
        return [*TINY, *_some(draw, TINY_OPTIONS, 3)]
    command = draw.choice(tuple(COMMANDS))
    options, targets = COMMANDS[command]
    given = [draw.choice(targets) for _ in range(draw.choice((1, 1, 1, 2, 0)))] if targets else []
    return [*command, *given, *_some(draw, options, 5)]


def _some(draw, options, most):
    names = draw.sample(tuple(options), draw.randrange(min(most, len(options)) + 1))
    words = []
    for name in names:
        value = draw.choice(options[name]) if draw.random() < 0.9 else draw.choice(WORDS)
        words += [name] if options[name] is FLAG else [name, value]
    return words


def attempt(seed, **how):
    """Runs a combination in an empty folder; its arguments and exit code."""
    arguments = combination(seed, **how)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return arguments, ends_well(*arguments)[0]
        finally:
            os.chdir(before)
