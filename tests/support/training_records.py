"""Records of trainings, written by hand."""


def found(correct, rate):
    """What `evaluate.tested` finds: 2,000 neuron-steps per sample."""
    samples, steps = 200, 200_000
    spikes = {"neuron1": round(rate * steps), "neuron2": round(rate * steps)}
    return {
        "correct": correct, "samples": samples, "spikes": spikes,
        "neuron_steps": dict.fromkeys(spikes, steps), "firing_rate": sum(spikes.values()) / (2 * steps),
    }  # fmt: skip


def counted(spikes):
    """What the counter finds in 200 samples: two operations per spike."""
    return {
        "n_samples": 200,
        "sop_eff": 2 * spikes, "energy_pj": 10.0 * spikes, "dynamics_energy_pj": 4.0 * spikes,
        "energy_model": "horowitz45-fp32", "policy": "first=sparse_mac,pooling=graded",
    }  # fmt: skip


def case(neuron, data, seed):
    return {
        "kind": "training", "model": "mlp", "data": data, "neuron": neuron, "T": 32,
        "implementation": "matmul",
        "recipe": {"epochs": 3, "eval_samples": 4}, "seed": seed, "device": "cpu", "threads": 1,
    }  # fmt: skip


def records(data="spoken-digits"):
    """psu with three seeds; lif with one that was killed and one that failed; spsn with one seed."""
    plan = [("psu", 0), ("lif", 0), ("spsn", 0), ("psu", 1), ("lif", 1), ("psu", 2)]
    cases = [
        {"key": f"{neuron}{seed}", "case": case(neuron, data, seed), "label": neuron, "note": None}
        for neuron, seed in plan
    ]
    told = [{"type": "run", "run_id": "r1", "cases": cases}]
    right = {"psu0": (180, 0.1), "psu1": (184, 0.12), "psu2": (176, 0.11), "spsn0": (150, 0.4)}
    for key, (correct, rate) in right.items():
        for epoch in (1, 2, 3):
            told.append(
                {
                    "type": "training", "key": key, "epoch": epoch, "loss": 1 / epoch,
                    "accuracy": 0.3 * epoch,
                    "samples": 800, "seconds": [9.0, 2.0, 4.0][epoch - 1], "data_seconds": 0.5,
                    "test": found(correct - 10 * (3 - epoch), rate),
                }
            )  # fmt: skip
        test = found(correct, rate)
        if key == "spsn0":  # counted over four passes
            test = {**test, "spikes": {k: 4 * v for k, v in test["spikes"].items()}}
        told.append(
            {
                "type": "trained", "key": key, "status": "ok", "message": None, "test": test,
                "activity": counted(sum(test["spikes"].values())),
                "peak_memory_bytes": 50 << 20, "parameters": 21784,
            }
        )  # fmt: skip
    told.append({**told[1], "key": "lif0"})
    failed = {"test": None, "peak_memory_bytes": None, "parameters": None}
    message = "the loss is nan at step 3 of epoch 1; a lower lr may help"
    told.append({"type": "trained", "key": "lif1", "status": "failed", "message": message, **failed})
    return told
