"""The page as a browser has it: no complaint, request or overflow; sorting; contrast in light and dark."""

import base64
import re

import pytest
from support import browser, report_records
from support.records_of import typed

from psubench.experiments.speed import rows as speed_rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.found() is None, reason="no Chromium or Chrome is installed"),
]

CONTRASTS = """
(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  const tell = (element, colour) => {
    const pair = [light(colour), light(ground(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const name = element.tagName + "." + (element.className.baseVal ?? element.className);
    found[name] = Math.min(found[name] ?? 99, ratio);
  };
  for (const element of document.querySelectorAll("body *:not(script)")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (own && !element.closest("svg, .unseen, .skip")) tell(element, rgb(getComputedStyle(element).color));
  }
  for (const letter of document.querySelectorAll("svg use[href*=DejaVu], svg path[id*=DejaVu]")) {
    tell(letter.closest("figure"), rgb(getComputedStyle(letter).fill));
  }
  return found;
})()
"""
COLUMN = """
[...document.querySelectorAll("#cases-train tbody tr")].map((row) => row.cells[%d].dataset.order)
"""
HEADS = """
[...document.querySelectorAll("#cases-train th[aria-sort]")].map((head) => head.getAttribute("aria-sort"))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name in ("good", "sad", "every"):
        (folder / f"{name}.html").write_text(report_records.page_of(name), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tab():
    with browser.Browser() as made:
        yield made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["good", "sad", "every"])
def test_nothing_overflows_nothing_complains_and_all_can_be_read(tab, pages, name, width, dark):
    tab.complaints.clear()
    tab.requests.clear()
    tab.open(pages / f"{name}.html", width, dark=dark)
    assert tab.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert tab.complaints == []
    assert [address for address in tab.requests if not address.startswith(("file:", "data:"))] == []
    contrasts = tab.evaluate(CONTRASTS)
    assert {"FIGURE.", "FIGCAPTION.", "H1.", "DT."} < set(contrasts)
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}


def order(values, reverse):
    known = [value for value in values if value != ""]
    return sorted(known, key=float, reverse=reverse) + [""] * (len(values) - len(known))


@pytest.mark.parametrize("name", ["good", "sad"])
def test_a_click_sorts_up_then_down_then_as_it_was(tab, pages, name):
    tab.open(pages / f"{name}.html", 1400)
    heads = tab.evaluate(
        '[...document.querySelectorAll("#cases-train th[scope=col]")].map((h) => h.textContent)'
    )
    time = next(place for place, head in enumerate(heads) if head.startswith("time"))
    before = tab.evaluate(COLUMN % time)
    rows = [row for row in speed_rows.rows(typed(report_records.good())) if row.phase == "train"]
    assert name == "sad" or [float(value) for value in before] == [row.median_s for row in rows]
    assert name == "good" or before.count("") == 4
    for way, expected in (
        ("ascending", order(before, False)),
        ("descending", order(before, True)),
        ("none", before),
    ):
        tab.evaluate(f'document.querySelectorAll("#cases-train th button")[{time}].click()')
        assert tab.evaluate(COLUMN % time) == expected
        sorts = tab.evaluate(HEADS)
        assert sorts == ["none"] * time + [way] + ["none"] * (len(heads) - time - 1)


def test_words_sort_by_letter_and_the_next_head_takes_over(tab, pages):
    tab.open(pages / "good.html", 1400)
    for column in (0, 1):
        tab.evaluate(f'document.querySelectorAll("#cases-train th button")[{column}].click()')
    assert tab.evaluate(COLUMN % 1) == sorted(tab.evaluate(COLUMN % 1))
    assert tab.evaluate(HEADS)[:2] == ["none", "ascending"]


def test_tables_sort_by_keyboard(tab, pages):
    tab.open(pages / "good.html", 1400)
    for _ in range(60):
        tab.press("Tab")
        if tab.evaluate("document.activeElement.closest('#cases-train th') !== null"):
            break
    assert tab.evaluate("document.activeElement.tagName") == "BUTTON"
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press("Enter")
    assert tab.evaluate(HEADS)[0] == "ascending"


def test_the_first_tab_skips_to_the_results(tab, pages):
    tab.open(pages / "good.html", 400)
    tab.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#content"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left >= 0")


def test_the_committed_page_prints_on_eight_pages(tab):
    tab.open(report_records.EXAMPLE / "report.html", 1400)
    data = tab.send("Page.printToPDF", preferCSSPageSize=True)["data"]
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(data))) <= 8


def test_the_head_of_a_long_table_stays_while_its_rows_are_scrolled(tab):
    tab.open(report_records.EXAMPLE / "report.html", 1400)
    tab.evaluate("document.querySelector('details').open = true")
    tab.evaluate("document.querySelector('details .scroll').scrollTop = 300")
    top = "document.querySelector('details %s').getBoundingClientRect().top"
    distance = tab.evaluate(f"{top % 'thead th'} - {top % '.scroll'}")
    assert tab.evaluate("document.querySelector('details .scroll').scrollTop") == 300
    assert 0 <= distance < 4


def test_the_check_itself_notices(tab, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<p style='width:900px;color:#999;background:#fff'>x</p><script>throw Error('x')</script>")
    tab.complaints.clear()
    tab.open(bad, 400)
    assert tab.evaluate("document.documentElement.scrollWidth") > 400
    assert min(tab.evaluate(CONTRASTS).values()) < 4.5
    assert len(tab.complaints) == 1
