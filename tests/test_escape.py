"""Texts of others in every format: shown as text, and obeyed by nothing."""

import csv
import io
import json

import pytest
from support import robustness
from support.records_of import text_of

from psubench.errors import MOST, one_line
from psubench.records import jsonl
from psubench.render import escape, terminal

NASTY = (
    "\x1b]0;owned\x07\x1b[2J red\x00\n::error::pwned\u202e | =HYPERLINK(1) @everyone ![x](http://t.co/a.png)"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x00\x9b\u202e", r"\x1b[2J\x00\x9b\u202e"),
        ("::error file=x::y", r"\x3a:error file=x::y"),
        ("  ::set-output name=a::b", r"  \x3a:set-output name=a::b"),
        ("folded::add-mask::x", r"folded\x3a:add-mask::x"),
        ("##[error]x", r"\x23#[error]x"),
        ("at::native::add, std::vector", "at::native::add, std::vector"),
        ("µ ± ≈ two\nlines", "µ ± ≈ two\nlines"),
    ],
)
def test_a_terminal_gets_text_and_no_command(text, shown):
    assert escape.terminal(text) == shown
    assert escape.terminal(shown) == shown


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-cmd", "@SUM(1)", "\n=1", "  =1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)"],
)
def test_a_cell_is_never_a_formula(text):
    assert escape.csv(text) == f"'{text}"


def test_numbers_and_plain_texts_are_cells_as_they_are():
    values = [-2.5, 3, None, True, "psu@scan", "a, b\nc"]
    assert [escape.csv(value) for value in values] == values


@pytest.mark.parametrize(
    "text",
    [
        "@octocat", "x @octocat/team", "mail a@b.co", "see #12 and GH-12", "![x](http://t.co/a.png)",
        "[click here](https://e.com)", "[a]: http://x", "[a][b]", "<img src=x>", "<!-- gone", "www.e.com",
        "&#64;octocat", "```", "# head", "1. list", "a\\|b", "$\\frac{1}{2}$", "javascript://x",
        "<http://t.co>",
    ],
)  # fmt: skip
def test_markdown_holds_no_markup_of_others(text):
    found = escape.markdown(text)
    for active in ("](", "![", "://", "www.", "<i", "<!", "<h", "&#64;", "][", "]:", "$"):
        assert active not in found
    assert not any(mark + "o" in found for mark in ("@",))
    assert "#12" not in found
    assert not found.startswith(("`", "# ", "1.", "["))
    assert found.count("|") == found.count(r"\|")
    assert r"\\|" not in found


def test_markdown_leaves_what_psubench_writes_as_it_is():
    for text in ("1.17 ms [0.97, 1.43]", "<0.004", "+5.2 % [+3.1, +7.3]", "-", "psu@scan", "`list x` has it"):
        assert escape.markdown(text) == text


def test_json_is_ascii_and_whole():
    text = escape.json_text({"label": "µ\x7f\x1b\ud800"})
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == {"label": "µ\x7f\x1b\ud800"}


def test_a_message_of_megabytes_is_cut_and_says_so():
    shown = one_line("x" * 3_000_000)
    assert len(shown) < MOST + 50
    assert shown.endswith("more characters)")
    assert one_line("x" * MOST) == "x" * MOST


def test_annotations_end_at_their_end():
    assert escape.annotation("100 %\n::error::x") == "100 %25 ::error::x"
    assert escape.annotation_title("a:b, c") == "a%3Ab%2C c"


@pytest.mark.parametrize("columns", ["0", "1", "", "-3", "x"])
def test_a_terminal_without_a_width_gets_a_table(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.console(io.StringIO()).width >= 20


@pytest.fixture(params=["speed", "sparsity", "training", "profile"])
def hostile(request, tmp_path):
    """A run whose labels and messages are hostile, one of them of a megabyte."""
    records = json.loads(json.dumps(robustness.RUNS[request.param]))
    for one in records:
        for case in one.get("cases", [one] if "message" in one else []):
            if "label" in case:
                case["label"] = f"{case['label']}{NASTY}"
            if case.get("message"):
                case["message"] = NASTY + "y" * 1_000_000
    (tmp_path / jsonl.NAME).write_bytes(text_of(records))
    return tmp_path


def test_every_command_shows_hostile_texts_escaped(hostile, tmp_path):
    for command in ("show", "export --format csv", "export --format markdown", "export --format latex"):
        word, *options = command.split()
        code, out, err = robustness.call(word, hostile, *options)
        assert (code, err) == (0, "")
        assert all(letter.isprintable() or letter in "\n\u2060" for letter in out), command
        if "csv" not in command:
            assert len(out) < 400_000
        assert not any(line.lstrip().startswith("::error") for line in out.splitlines()), command
    assert list(csv.reader(io.StringIO(robustness.call("export", hostile)[1])))
    code, out, _ = robustness.call("show", hostile, "--json")
    assert (code, out.isascii()) == (0, True)
    assert json.loads(out)
    code, _, err = robustness.call("plot", hostile, "--format", "svg", "--out", tmp_path / "drawn")
    assert (code, err) == (0, "")
