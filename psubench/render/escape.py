"""What others wrote (labels, messages, names of files) as each format shows it: as text, and as nothing else.

One function per format, called where a text enters it. Texts come from plug-ins, file names and exceptions:
they may hold terminal commands, formulas, links, mentions, or megabytes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from psubench.errors import one_line

_COMMANDS = "add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|remove-matcher"
_COMMANDS += "|save-state|set-env|set-output|stop-commands|warning"
# GitHub obeys what stands after "::" at the beginning of a line, which a table may break anywhere.
_WORKFLOW = re.compile(rf"(?<![^\s])::|::(?=(?:{_COMMANDS})\b)|##(?=\[)")
_LINE_COMMAND = re.compile(r"(?m)(?<![^\s])::")
_MARKDOWN = (
    # What GitHub looks for after it has decoded the text: only a letter without width keeps it from it.
    (re.compile(r"(?<![A-Za-z0-9_`])@(?=\w)|(?<=\w)@(?=[\w-]+\.\w)"), "@\u2060"),
    (re.compile(r"#(?=\d)|(?<=\bGH-)(?=\d)"), lambda m: f"{m[0]}\u2060"),
    (re.compile(r"\\"), "&#92;"),
    (re.compile(r"&(?=#?\w+;)(?!#92;)"), "&amp;"),
    (re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"),
    (re.compile(r"!(?=\[)"), "&#33;"),
    (re.compile(r"\](?=[(\[:])"), "&#93;"),
    (re.compile(r"\$"), "&#36;"),
    (re.compile(r"(?<=[A-Za-z]):(?=//|[^\s@]+@)"), "&#58;"),  # https://... and mailto:... become links
    (re.compile(r"(?i)(?<![A-Za-z0-9])www\."), "www&#46;"),
    (re.compile(r"\|"), r"\\|"),
)
_BLOCK = re.compile(r"^(?=`{3}|~{3}|>|[-+*] |-{2}|={2}|#+ |\[|\d+[.)] )")  # begins a list, a fence, ...
_LONGEST_CELL = 30_000  # spreadsheets take 32,767 letters, and the reader of Python 131,072
_FORMULA = tuple("=+-@＝＋－＠")  # spreadsheets of East Asia obey the wide ones too


def printable(text: str) -> str:
    """A text of one or more lines in which nothing else than letters is left: others are escapes."""
    if text.isprintable():
        return text
    return "".join(x if x.isprintable() or x == "\n" else _escape(x) for x in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def terminal(text: str) -> str:
    """For a terminal, and for the log of a workflow on GitHub, in which some lines are commands."""
    return _WORKFLOW.sub(lambda found: _first_as_escape(found[0]), printable(text))


def _first_as_escape(text: str) -> str:
    return f"\\x{ord(text[0]):02x}{text[1:]}"


def cell(text: str) -> str:
    """For a cell of a table in LaTeX, whose own letters pandas escapes."""
    return terminal(one_line(text))


def csv(value: Any) -> Any:
    """For a cell of CSV, never a formula of a spreadsheet. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST_CELL:
        value = f"{value[:_LONGEST_CELL]} ... ({len(value) - _LONGEST_CELL:,} more characters)"
    text = _LINE_COMMAND.sub(r"\\x3a:", printable(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def markdown(text: str) -> str:
    """For Markdown, in a table too: no link, image, mention, markup or further cell."""
    text = terminal(one_line(text))
    for pattern, instead in _MARKDOWN:
        text = pattern.sub(instead, text)
    return _BLOCK.sub("\u2060", text)


def latex(text: str) -> str:
    """For LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in printable(text))


_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def json_text(value: Any, *, indent: int | None = None) -> str:
    """As JSON that every terminal and locale passes on: ASCII, with escapes for all other letters.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(value, allow_nan=False, indent=indent).replace("\x7f", "\\u007f")


def annotation(text: str) -> str:
    """For the message of a workflow command of GitHub."""
    return one_line(text).replace("%", "%25")


def annotation_title(text: str) -> str:
    """For a property of a workflow command of GitHub."""
    return annotation(text).replace(":", "%3A").replace(",", "%2C")
