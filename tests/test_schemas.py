"""The JSON Schemas of the package: met by what the program prints and records, not by what is wrong."""

import copy
import hashlib
import json
from importlib.resources import files

import jsonschema
import pytest
import report_records
from test_cli import psubench

from psubench.render import activity_columns, columns, energy
from psubench.render.kinds import KINDS

SCHEMAS = {
    entry.name.removesuffix(".json"): json.loads(entry.read_text(encoding="utf-8"))
    for entry in files("psubench").joinpath("schemas").iterdir()
}
DRAFT = jsonschema.Draft202012Validator


def problems(name, value):
    """What is wrong with a value, as sentences with its place."""
    return [f"{error.json_path}: {error.message[:200]}" for error in DRAFT(SCHEMAS[name]).iter_errors(value)]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run on the fake clock with peak memory, an unsupported case, and a plug-in that kills its worker."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "mine.py").write_text(
        "import os, torch\nclass Kills(torch.nn.Module):\n    def forward(self, x): os._exit(7)\n"
    )
    neurons = "lif,masked-psn(k=9),mine.py:Kills"
    command = [
        "speed",
        "--device",
        "scripted",
        "--T",
        "4",
        "--size",
        "8",
        "--batch",
        "2",
        "--neurons",
        neurons,
    ]
    done = psubench(
        *command,
        "--phase",
        "infer",
        "--processes",
        "1",
        "--max-seconds",
        "0.05",
        "--out",
        "run",
        "--json",
        cwd=folder,
    )
    assert done.returncode == 4, done.stderr
    return folder / "run", json.loads(done.stdout)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_one_and_says_what_it_is_of(name):
    DRAFT.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:psubench:{name}"
    assert SCHEMAS[name]["title"]


@pytest.mark.parametrize("kind", ["speed", "energy", "sparsity"])
def test_the_schema_of_rows_has_the_columns(kind):
    row = SCHEMAS[f"rows-{kind}"]["items"]
    module = {"speed": columns, "energy": energy, "sparsity": activity_columns}[kind]
    names = [column.name for column in module.COLUMNS if module.Show.JSON in column.show]
    assert list(row["properties"]) == row["required"] == names
    assert row["additionalProperties"] is False


def test_what_speed_show_and_export_print_fits(measured):
    folder, printed = measured
    shown = json.loads(psubench("show", str(folder), "--json").stdout)
    exported = json.loads(psubench("export", str(folder), "--format", "json").stdout)
    assert printed == shown == exported
    assert problems("rows-speed", printed) == []
    assert {row["status"] for row in printed} >= {"ok", "unsupported"}
    example = json.loads(psubench("show", str(report_records.EXAMPLE), "--json").stdout)
    assert problems("rows-speed", example) == []


def test_every_record_fits(measured):
    lines = (measured[0] / "run.jsonl").read_text().splitlines()
    lines += (report_records.EXAMPLE / "run.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["type"] for record in records} == {"run", "block", "memory", "end"}
    for record in records:
        assert problems(f"record-{record['type']}", record) == []


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("list-neurons", "list neurons"),
        ("list-devices", "list devices"),
        ("list-energy-models", "list energy-models"),
        ("data-list", "list data"),
        ("data-list", "data list"),
        ("data-show", "data show spoken-digits"),
        ("data-show", "data show mine.py:batches --T 2"),
        ("doctor", "doctor --seconds 0"),
        ("doctor", "doctor --device scripted --seconds 0.05 --processes 1"),
    ],
)
def test_what_a_command_prints_fits(name, command, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ndef batches(T, batch, seed, split):\n"
        "    yield torch.ones(T, batch, 3), torch.zeros(batch)\n"
    )
    done = psubench(*command.split(), "--json", cwd=tmp_path)
    assert problems(name, json.loads(done.stdout)) == [], done.stderr


def with_real_keys(value):
    """The same with 16 hexadecimal digits for every key, which tests write in words."""
    if isinstance(value, list):
        return [with_real_keys(one) for one in value]
    if not isinstance(value, dict):
        return value
    names = ("key", "reference") if "label" in value else ("key",)
    return {
        name: hashlib.sha256(one.encode()).hexdigest()[:16]
        if name in names and isinstance(one, str)
        else with_real_keys(one)
        for name, one in value.items()
    }


KINDS_OF_RUNS = {
    run[0]["cases"][0]["case"]["kind"]: with_real_keys(run) for run in report_records.every_kind()
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_fits(kind):
    run = KINDS_OF_RUNS[kind]
    rows = json.loads(KINDS[kind].to_json(KINDS[kind].of([run])))
    assert rows
    assert problems(f"rows-{kind}", rows) == []
    for record in run[1:]:
        if "case" in record:
            record["case"] = {"neuron": "", "implementation": "", **record["case"]}
        elif record["type"] == "activity":
            record["case"] = run[0]["cases"][0]["case"]
        assert problems(f"record-{record['type']}", record) == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("energy", {"gross_j_per_call": 0}),
        ("sparsity", {"sop_eff": 0.5}),
        ("training", {"accuracy": 90.0}),
        ("training", {"status": "interupted"}),
        ("profile", {"part": "half"}),
        ("profile", {"time_s": -1}),
    ],
)
def test_a_wrong_row_of_any_kind_does_not_fit(kind, change):
    row = json.loads(KINDS[kind].to_json(KINDS[kind].of([KINDS_OF_RUNS[kind]])))[0]
    assert problems(f"rows-{kind}", [row]) == []
    assert len(problems(f"rows-{kind}", [{**row, **change}])) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"ratio": 0}, "$[0].ratio"),
        ({"status": "fine"}, "$[0].status"),
        ({"T": 4.5}, "$[0].T"),
        ({"median_s": "1 ms"}, "$[0].median_s"),
        ({"extra": 1}, "$[0]"),
        ({"key": "xyz"}, "$[0].key"),
        ({"verified": "yes"}, "$[0].verified"),
    ],
)
def test_a_wrong_row_does_not_fit(measured, change, place):
    row = {**measured[1][0], **change}
    assert any(problem.startswith(f"{place}: ") for problem in problems("rows-speed", [row]))


def test_a_missing_column_does_not_fit(measured):
    for name in measured[1][0]:
        row = {key: value for key, value in measured[1][0].items() if key != name}
        assert len(problems("rows-speed", [row])) == 1, name


def test_wrong_records_do_not_fit():
    records = report_records.good()
    run, block, end = records[0], records[1], records[-1]
    wrong = copy.deepcopy(block)
    wrong["wall_ns"]["lif"][0] = 1.5
    assert problems("record-block", wrong)
    assert problems("record-block", {**block, "cases": [{**block["cases"][0], "status": "good"}]})
    assert problems("record-run", {**run, "schema": 2})
    assert problems("record-run", {**run, "argv": "speed"})
    assert problems("record-end", {**end, "status": "done"})
    assert problems("record-end", run)
