"""Where a key of a TOML file stands, whatever else the file holds."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psubench.errors import PsubenchError
from psubench.experiments import toml_file

TEXT = '''\
# [settings] is below
version = 1
title = """
[[speed]]
T = 3
"""

[settings]
"processes" = 2

[[speed]]
neurons = [
  "lif", # [[speed]]

  "psn",
]
T = "4"

[[ speed ]]
first.second = 5
  T = 8 # T = 9
[speed.recipe]
lr = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("version",), 2),
        (("title",), 3),
        (("settings",), 8),
        (("settings", "processes"), 9),
        (("settings", "none"), 8),
        (("speed", 0), 11),
        (("speed", 0, "neurons"), 12),
        (("speed", 0, "T"), 17),
        (("speed", 1), 19),
        (("speed", 1, "first", "second"), 20),
        (("speed", 1, "T"), 21),
        (("speed", 1, "recipe"), 22),
        (("speed", 1, "recipe", "lr"), 23),
        (("speed", 2), 11),
        (("none",), 1),
        ((), 1),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_of_a_key(path, line, ending):
    assert toml_file.line_of(TEXT.replace("\n", ending), path) == line


@given(
    st.lists(
        st.sampled_from(["", "# T = 1", "[[speed]]", "x = [\n1,\n2]", 'y = """\nT = 4\n"""']), max_size=8
    )
)
def test_the_line_of_a_key_behind_any_statements(before):
    text = "\n".join([*before, "[table]", "T = 7"])
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # the same key twice
    assert text.split("\n")[toml_file.line_of(text, ("table", "T")) - 1] == "T = 7"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xef\xbb\xbfversion = 1", "line 1: it begins with a byte order mark; save it as UTF-8 without"),
        ("version = 1".encode("utf-16"), "line 1: it begins with the byte order mark of UTF-16"),
        ("\ufeffversion = 1".encode("utf-16-be"), "line 1: it begins with the byte order mark of UTF-16"),
        (b'version = 1\ntitle = "\xe9"', "line 2: it is not UTF-8"),
        (b"version = 1\nversion = 2", "is not valid TOML"),
        (b"a = " + b"[" * 5000, "is not valid TOML"),
        (b"a = " + b"9" * 5000, "is not valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_one_line(content, complaint, tmp_path):
    path = tmp_path / "some.toml"
    path.write_bytes(content)
    with pytest.raises(PsubenchError) as caught:
        toml_file.read(path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(PsubenchError, match="cannot read"):
        toml_file.read(tmp_path)
