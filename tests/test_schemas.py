"""The schemas that the structs give: met by what the program prints and records, not by what is wrong."""

import copy
import hashlib
import json

import jsonschema
import pytest
from support import report_records
from support.command_line import here
from support.records_of import typed, whole

from psubench.errors import PsubenchError
from psubench.experiments.registry import KINDS
from psubench.experiments.schemas import names, schema
from psubench.records.jsonl import line_of
from psubench.records.structs import RECORDS
from psubench.render.export import columns, fields

DRAFT = jsonschema.Draft202012Validator


def problems(name, value):
    """What is wrong with a value, as sentences with its place."""
    return [f"{error.json_path}: {error.message[:200]}" for error in DRAFT(schema(name)).iter_errors(value)]


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
    done = here(
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


@pytest.mark.parametrize("name", names())
def test_every_schema_is_one_and_says_what_it_is_of(name):
    DRAFT.check_schema(schema(name))
    assert schema(name)["$id"] == f"urn:psubench:{name}"
    assert all(one["description"] for one in schema(name)["$defs"].values())


def test_the_command_prints_a_schema_or_the_names_that_there_are():
    assert json.loads(here("schema", "rows-speed").stdout) == schema("rows-speed")
    assert here("schema").stdout.split() == names()
    with pytest.raises(PsubenchError, match='did you mean "record-block"'):
        schema("record-blok")


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_rows_has_the_fields_of_json_and_all_of_csv(kind):
    row = KINDS[kind].row_type
    made = schema(f"rows-{kind}")["$defs"][row.__name__]
    assert sorted(made["properties"]) == sorted(made["required"]) == sorted(fields(row))
    assert set(columns(row)) == set(fields(row)) - set(row.JSON_ONLY)
    assert set(row.JSON_ONLY) < set(fields(row)) or kind == "profile"
    assert made["additionalProperties"] is False


def test_every_type_of_record_belongs_to_a_kind_or_to_all():
    own = [name for kind in KINDS.values() for name in kind.records]
    assert sorted([*own, "run", "end", "suite"]) == sorted(RECORDS)


def test_what_speed_show_and_export_print_fits(measured):
    folder, printed = measured
    shown = json.loads(here("show", str(folder), "--json").stdout)
    exported = json.loads(here("export", str(folder), "--format", "json").stdout)
    assert printed == shown == exported
    assert problems("rows-speed", printed) == []
    assert {row["status"] for row in printed} >= {"ok", "unsupported"}
    example = json.loads(here("show", str(report_records.EXAMPLE), "--json").stdout)
    assert problems("rows-speed", example) == []


def test_every_record_fits(measured):
    lines = (measured[0] / "run.jsonl").read_text().splitlines()
    (older,) = [typed(report_records.small())]
    lines += [line_of(one).decode() for one in older]
    records = [json.loads(line) for line in lines]
    assert {record["type"] for record in records} == {"run", "block", "memory", "fingerprint", "end"}
    for record in records:
        assert problems(f"record-{record['type']}", record) == []


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
    rows = json.loads(KINDS[kind].to_json(KINDS[kind].of([typed(run)])))
    assert rows
    assert problems(f"rows-{kind}", rows) == []
    for record in map(whole, run):
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
    row = json.loads(KINDS[kind].to_json(KINDS[kind].of([typed(KINDS_OF_RUNS[kind])])))[0]
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
    assert problems("record-run", {**run, "schema": "2"})
    assert problems("record-run", {**run, "argv": "speed"})
    assert problems("record-end", {**end, "status": "done"})
    assert problems("record-end", run)
