"""The JSON Schemas of the package: met by what the program prints and records, not by what is wrong."""

import copy
import json
from importlib.resources import files

import activity_cases
import jsonschema
import pytest
import report_records
from test_cli import psubench
from test_joules import FIRST, LOST, SECOND, energy_record, header

from psubench import analyse
from psubench.activity.cases import cases
from psubench.render import activity_columns, activity_export, columns, energy, export

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


@pytest.mark.parametrize(
    ("name", "module"),
    [("rows-speed", columns), ("rows-energy", energy), ("rows-sparsity", activity_columns)],
)
def test_the_schema_of_rows_has_the_columns(name, module):
    row = SCHEMAS[name]["items"]
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
        (
            "rows-sparsity",
            "sparsity --model vggsnn(width=0.05) --T 2 --batch 1 --samples 1 --neurons lif,psu",
        ),
    ],
)
def test_what_a_command_prints_fits(name, command, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ndef batches(T, batch, seed, split):\n"
        "    yield torch.ones(T, batch, 3), torch.zeros(batch)\n"
    )
    done = psubench(*command.split(), "--json", cwd=tmp_path)
    assert problems(name, json.loads(done.stdout)) == [], done.stderr


def test_counts_fit():
    keys = {name: str(place) * 16 for place, name in enumerate(("lif", "psn", "psu", "failed"))}
    text = json.dumps(activity_cases.records(neurons=tuple(keys), psn=("aten::bmm",)))
    for label, key in keys.items():
        text = text.replace(f'"key": "{label}"', f'"key": "{key}"')
        text = text.replace(f'"reference": "{label}"', f'"reference": "{key}"')
    records = json.loads(text)
    rows = json.loads(activity_export.to_json(cases(records)))
    assert {row["status"] for row in rows} == {"ok", "oom"}
    assert problems("rows-sparsity", rows) == []
    assert problems("rows-sparsity", [{**rows[0], "sop_eff": 0.5}])
    for record in records:
        if record["type"] == "activity":
            record["case"] = records[0]["cases"][0]["case"]
            assert problems("record-activity", record) == []
            assert problems("record-activity", {**record, "cases": [{"key": "x"}]})


def test_energy_that_counters_counted_fits():
    names = {"lif": "0" * 16, "psu": "1" * 16}
    records = [header(), energy_record(0, *FIRST, *SECOND), energy_record(1, *FIRST, LOST)]
    text = json.dumps(records)
    for label, key in names.items():
        text = text.replace(f'"key": "{label}"', f'"key": "{key}"')
    records = json.loads(text)
    for entry in records[0]["cases"]:
        entry["reference"] = names["lif"]
    rows = json.loads(export.to_json(analyse.rows(records)))
    assert rows[0]["gross_j_per_call"] > 0
    assert problems("rows-energy", rows) == []
    assert problems("rows-energy", [{**rows[0], "gross_j_per_call": 0}])
    for record in records[1:]:
        record["case"] |= {"neuron": "", "implementation": ""}
        assert problems("record-energy", record) == []
    records[1]["windows"][0]["counts"][0] = 0.5
    assert problems("record-energy", records[1])


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
