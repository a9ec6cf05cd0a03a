"""Loading by name, and the grammar of name(key=value)."""

import sys

import pytest

from psubench import plugins
from psubench.errors import PsubenchError


def test_calls():
    assert plugins.parse_call("normal") == ("normal", {})
    assert plugins.parse_call(" normal( mu = 0.5, n=3,on=true , off=None,w=a-b ) ") == (
        "normal",
        {"mu": 0.5, "n": 3, "on": True, "off": None, "w": "a-b"},
    )
    assert plugins.parse_call("f(a=-1e-3,b=+2,c=.5,d=1.)")[1] == {"a": -1e-3, "b": 2, "c": 0.5, "d": 1.0}
    shown = plugins.show_call("f", (("a", 1.0), ("b", 2), ("c", True), ("d", None), ("e", "x")))
    assert shown == "f(a=1.0,b=2,c=true,d=none,e=x)"
    assert plugins.parse_call(shown)[1] == {"a": 1.0, "b": 2, "c": True, "d": None, "e": "x"}


def test_lists_split_outside_of_parentheses():
    assert plugins.split_list("a(b=1,c=2), d ,e") == ["a(b=1,c=2)", "d", "e"]
    with pytest.raises(PsubenchError, match="unbalanced"):
        plugins.split_list("a)(,b")


def test_files_and_packages(tmp_path, monkeypatch):
    (tmp_path / "some_plug.py").write_text("class Thing: ...\nthing = Thing()\n")
    thing = plugins.load(f"{tmp_path}/some_plug.py:thing")
    assert type(thing) is plugins.load(f"{tmp_path}/some_plug.py:Thing")  # one module, not two copies
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert type(plugins.load("some_plug:thing")).__name__ == "Thing"
    assert plugins.load("./some_plug.py:thing") is thing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", '"nothing" does not name a plug-in; write package.module:attribute'),
        (":x", "does not name a plug-in"),
        ("no_such_module:x", 'there is no module "no_such_module"'),
        ("json.no_such:x", 'there is no module "json.no_such"'),
        ("json:dump_s", 'json has no "dump_s"; did you mean "dumps"'),
        ("no/such.py:x", 'there is no file "no/such.py"'),
        ("broken.py:x", "fails on import: ModuleNotFoundError: No module named 'absent_one'"),
        ("broken:x", "fails on import: ModuleNotFoundError: No module named 'absent_one'"),
        ("leaves.py:x", "fails on import: SystemExit: 3"),
        ("syntax.py:x", r"fails on import: SyntaxError: "),
    ],
)
def test_failures_are_told_in_one_line(text, message, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import absent_one\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "syntax.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(PsubenchError, match=message) as caught:
        plugins.load(text)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_mended_is_loaded_again(tmp_path):
    path = tmp_path / "mended.py"
    path.write_text("1/0")
    with pytest.raises(PsubenchError, match="ZeroDivisionError"):
        plugins.load(f"{path}:x")
    path.write_text("x = 1 + 1")
    assert plugins.load(f"{path}:x") == 2
