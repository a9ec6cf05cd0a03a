"""The page of a report: complete, self-contained, the numbers of the record, the same bytes."""

import re
import shlex
from collections import Counter
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace
from support import render_rows, report_records
from support.records_of import typed

from psubench.errors import PsubenchError
from psubench.experiments.registry import parts as parts_of
from psubench.experiments.speed import ratios
from psubench.experiments.speed import rows as speed_rows
from psubench.neurons.table import TABLE
from psubench.records import jsonl
from psubench.render.figures.styles import styles
from psubench.render.report import facts, page, svg

VOID = {"meta", "link", "path", "use", "rect"}


class Outline(HTMLParser):
    """Tags with attributes, headings, and the cells of every table."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.levels, self.tables, self.open = [], [], [], []
        self.cell = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.cell = ["", dict(attributes)]
            self.tables[-1][-1].append(self.cell)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell[0] += data


@pytest.fixture(scope="module")
def good():
    return report_records.page_of("good")


@pytest.fixture(scope="module", params=["good", "sad", "every"])
def any_page(request):
    return report_records.page_of(request.param)


@pytest.fixture(scope="module")
def sad():
    return report_records.page_of("sad")


def test_every_ratio_on_the_page_is_that_of_the_record(good):
    shown = Counter()
    for table in Outline(good).tables:
        heads = [" ".join(text.split()) for text, _ in table[0]]
        if "verdict" in heads:
            column = next(place for place, head in enumerate(heads) if head.startswith("t_lif / t_neuron"))
            shown.update(
                float(row[column][1]["data-order"]) for row in table[1:] if "noise" not in row[column][0]
            )
    rows = speed_rows.rows(typed(report_records.good()))
    assert shown == Counter(row.ratio for row in rows if not row.is_reference)


def test_the_page_needs_nothing_beside_it(any_page):
    assert len(any_page.encode()) < 5_000_000
    for tag, attributes in Outline(any_page).tags:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:,", "data:image/png;base64,")), (
                tag,
                attributes,
            )
    assert not re.search(r"@import|url\((?!#)|<object|<iframe|<img|fetch\(|XMLHttp", any_page)


def test_every_reference_within_the_page_has_one_target(any_page):
    outline = Outline(any_page)
    ids = Counter(attributes["id"] for _, attributes in outline.tags if "id" in attributes)
    assert max(ids.values()) == 1
    asked = set(re.findall(r"url\(#([^)]+)\)", any_page))
    for _, attributes in outline.tags:
        asked |= {attributes["href"][1:]} if attributes.get("href", "").startswith("#") else set()
        asked |= set(attributes.get("aria-labelledby", "").split())
    assert asked <= set(ids)


def test_the_page_can_be_read_without_seeing_it(any_page):
    text = any_page
    outline = Outline(text)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    count = Counter(tag for tag, _ in outline.tags)
    assert count["caption"] == count["table"] > 4
    assert count["figcaption"] == count["figure"] == count["svg"] > 2
    for tag, attributes in outline.tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 40
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    assert '<html lang="en">' in text


def test_every_tag_is_closed(any_page):
    opened = Counter(tag for tag, _ in Outline(any_page).tags)
    text = any_page.lower()
    for tag in set(opened) - VOID:
        assert opened[tag] == text.count(f"</{tag}>") + len(re.findall(rf"<{tag}\b[^>]*/>", text)), tag


def test_what_went_wrong_is_told_and_why(sad):
    part = sad.split('id="failed"')[1].split("</section>")[0]
    assert "psn, training at T = 4, 128" in part
    assert "wrong: in 5 of 5 processes: spikes differ" in part or "wrong: spikes differ" in part
    assert "skipped: one of &lt;the&gt; suite&#39;s choices" in part
    assert "Scripted: a fake clock" in sad
    assert "(unverified)" in sad
    assert "killed before its end" in sad


def test_names_stay_text(sad):
    assert "mine.py:&lt;b&gt;A_1&amp;2%&lt;/b&gt;" in sad
    assert "<b>A_1" not in sad


def test_the_commands_are_those_of_the_record(sad):
    lines = re.search(r"<pre[^>]*><code>(.*?)</code>", sad, re.DOTALL)[1].splitlines()
    assert [line.endswith(" &amp;&amp;") for line in lines] == [True, True, False]
    words = [shlex.split(line.removesuffix(" &amp;&amp;").replace("&#39;", "'")) for line in lines]
    argv = [header.argv for header in facts.headers(typed(report_records.sad()))]
    assert words == [
        ["psubench", *argv[0]],
        ["psubench", *argv[1]],
        ["psubench", "report", "reports/example"],
    ]


@pytest.mark.parametrize(
    ("argv", "folder"), [(["--out=a b"], "a b"), (["--out", "x", "--T", "4"], "x"), (["--T", "4"], None)]
)
def test_the_folder_of_a_run_is_what_its_command_says(argv, folder):
    assert facts.folder(typed([{"type": "run", "run_id": "r", "cases": [], "argv": argv}])) == folder


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes():
    runs = [typed(report_records.small())]
    assert page.render(parts_of(runs), runs) == page.render(parts_of(runs), runs)


def test_two_runs_stand_beside_each_other_and_differences_are_marked():
    other = [{**r, "run_id": "other"} if r["type"] == "run" else r for r in report_records.good()]
    other[0] = {**other[0], "environment": {**other[0]["environment"], "torch": "9.9"}}
    runs = [typed(report_records.good()), typed(other)]
    text = page.render(parts_of(runs), runs)
    row = next(line for line in text.split("<tr") if '<th scope="row">torch</th>' in line)
    assert row.startswith(' class="differ"')
    assert "<td>2.13.0+cpu</td><td>9.9</td>" in row
    assert "psubench report reports/example reports/example" in text


def test_a_run_that_planned_nothing_is_an_error_of_one_line():
    run = report_records.good()
    run[0]["cases"] = []
    with pytest.raises(PsubenchError, match="planned no case"):
        parts_of([typed(run)])


def test_a_page_of_several_kinds_has_them_all():
    runs = [typed(run) for run in report_records.every_kind()]
    parts = parts_of(runs)
    assert [part.title for part in parts] == ["Speed", "Sparsity", "Measured energy", "Accuracy", "Profile"]
    text = report_records.page_of("every")
    assert "<h1>Speed, sparsity, measured energy, accuracy and profile</h1>" in text
    for told in (
        "Untrained weights: firing rates say nothing about trained networks.",
        "layer conv1 is incomplete: no rule for aten::bmm",
        "failed, T = 4, UNTRAINED weights: oom: out of memory",
        "lif on shd: interrupted: seed 0: the run ended before the training did",
        "Published by the authors of the source, with networks of their own; not measured here",
        "bad: failed: it raised",
        "Energy is an estimate by horowitz45-fp32",
        "rapl:package-0 + rapl:package-0/dram",
        "<td>not applicable</td>",  # a setting of runs of another kind
    ):
        assert told in text, told


def test_the_accuracy_on_the_page_is_the_mean_of_the_seeds():
    (part,) = parts_of([typed(report_records.every_kind()[3])])
    table = part.sections[0].tables[0]
    column = [head.text for head in table.heads].index("accuracy %")
    found = {row[0].text: (row[column].text, row[column].order, row[column].best) for row in table.rows}
    assert found["psu"] == ("90.0 ± 2.0", pytest.approx(0.9), True)
    assert found["lif"] == ("interrupted", None, False)
    assert found["spsn"] == ("75.0", 0.75, False)


def test_facts_for_captions_say_what_must_be_said():
    (part,) = parts_of([typed(report_records.sad())])
    said = part.sections[0].facts
    assert said["data"] == "synthetic:shd (synthetic)"
    assert said["unverified"] == report_records.HOSTILE
    assert said["clock"] == "scripted (fake), not a measurement"
    assert said["weights"] == "untrained"
    assert said["T"] == "4, 128"
    assert said["without a number"] == "8 of 20 cases"
    assert said["versions"] == "psubench 0.1.0, torch 2.13.0+cpu, numpy 2.4.6, python 3.11.7"
    (part,) = parts_of([typed(report_records.good())])
    assert {"unverified", "clock", "without a number"}.isdisjoint(part.sections[0].facts)
    assert part.sections[0].facts["data"] == "spoken-digits"


def row(label, ratio, low, high, **changes):
    made = {"label": label, "T": 4, "ratio": ratio, "ratio_low": low, "ratio_high": high, "status": "ok"}
    made |= {"verified": True, "is_reference": label == "lif", "noise_floor": 0.02}
    return replace(render_rows.rows()[0], **made | changes)


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([row("lif", 1, 1, 1), row("a", 2, 1.9, 2.1), row("b", 1.95, 1.8, 1.92)], "ab"),
        ([row("lif", 1, 1, 1), row("a", 2, 1.9, 2.1), row("b", 1.8, 1.7, 1.89)], "a"),
        ([row("lif", 1, 1, 1), row("a", 0.9, 0.8, 0.97)], ["lif"]),
        ([row("lif", 1, 1, 1), row("a", 0.9, 0.8, 0.985)], ["lif", "a"]),
        ([row("lif", 1, 1, 1), row("a", 9, 8, 9, verified=None), row("b", 2, 1.9, 2.1)], "b"),
        ([row("lif", 1, 1, 1), row("a", 9, None, None), row("b", 2, 1.9, 2.1)], "b"),
        ([row("lif", 1, 1, 1), row("a", None, None, None, status="wrong")], ""),
    ],
)
def test_bold_is_the_fastest_and_what_cannot_be_told_from_it(rows, best):
    assert ratios.best(rows) == {(label, 4) for label in best}


def test_colours_stand_out_in_the_dark():
    looks = styles([*TABLE, *(f"stranger{number}" for number in range(8))])
    for colour in sorted({look.color for look in looks.values()}):
        light, dark = svg.contrast(colour, "#ffffff"), svg.contrast(svg.dark(colour), svg.PAPER)
        assert dark >= min(4.5, light), colour
        assert dark >= 4.5 or len({colour[1:3], colour[3:5], colour[5:7]}) == 1, colour
    assert svg.dark("#ffffff") == svg.PAPER
    assert svg.dark("#000000") == svg.INK
    assert svg.dark("#E69F00") == "#e69f00"
    assert round(svg.contrast("#000000", "#ffffff"), 6) == 21
    assert round(svg.contrast("#777777", "#ffffff"), 2) == 4.48  # the known example that just fails


def test_long_tables_are_folded_with_a_count_and_the_contents_lead_to_every_section():
    text = (report_records.EXAMPLE / page.NAME).read_text(encoding="utf-8")
    assert text.count("<summary>All cases of training (30 rows)</summary>") == 1
    folds = re.findall(r"<summary>[^<]*\((\d+) rows\)</summary>(.*?)</details>", text, re.DOTALL)
    assert [int(count) for count, _ in folds] == [table.count("<tr") - 1 for _, table in folds]
    assert min(int(count) for count, _ in folds) > page.LONGEST
    contents = text.split('<nav aria-label="Contents">')[1].split("</nav>")[0]
    assert {"#part-speed", "#part-accuracy-2", "#machine"} <= set(re.findall(r'href="([^"]+)"', contents))


@pytest.mark.slow
def test_the_committed_page_is_what_the_committed_runs_give():
    folders = [
        report_records.EXAMPLE.parent / name for name in ("example", "example-sparsity", "example-accuracy")
    ]
    runs = [jsonl.read(folder / jsonl.NAME) for folder in folders]
    assert page.render(parts_of(runs), runs) == (folders[0] / page.NAME).read_text(encoding="utf-8")
