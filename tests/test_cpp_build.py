"""Building the operators: once, whole or not at all, for this machine and no other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import LONGEST_SECONDS, here, until

from psubench.errors import UnsupportedError
from psubench.experiments.speed import rows as speed_rows
from psubench.neurons import cpp_build
from psubench.records import jsonl

pytestmark = pytest.mark.slow

TINY = 'extern "C" int answer() { return 42; }\n'
COMPILER = """#!/bin/sh
case "$*" in *--version*) echo "{version}"; exit 0;; esac
echo built >> {log}
{body}
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A source that is built in a moment, an empty cache, and a compiler that counts its builds."""
    (tmp_path / "tiny.cpp").write_text(TINY)
    monkeypatch.setattr(cpp_build, "_HERE", tmp_path)
    monkeypatch.setattr(cpp_build, "SOURCES", ("tiny.cpp",))
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "cache"))
    compiler(tmp_path, monkeypatch)
    return tmp_path


def compiler(folder, monkeypatch, body='exec c++ "$@"', version="c++ 1.0"):
    script = folder / "cxx"
    script.write_text(COMPILER.format(version=version, body=body, log=folder / "log"))
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))


def builds(folder):
    log = folder / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def libraries(folder):
    return sorted(path for path in folder.rglob("*.so"))


def test_built_once_and_kept(tiny):
    path = cpp_build.library()
    assert path.parent == tiny / "cache" / "psubench"
    assert cpp_build.library() == path
    assert builds(tiny) == 1
    assert libraries(tiny) == [path]
    assert not list(path.parent.glob("build-*"))


def test_two_processes_at_once_build_once(tiny, monkeypatch):
    compiler(tiny, monkeypatch, body='sleep 1\nexec c++ "$@"')
    code = f"""
from pathlib import Path
from psubench.neurons import cpp_build
cpp_build._HERE, cpp_build.SOURCES = Path({str(tiny)!r}), ("tiny.cpp",)
print(cpp_build.library())
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    paths = {process.communicate(timeout=LONGEST_SECONDS)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert builds(tiny) == 1
    assert paths == {str(path) for path in libraries(tiny)}


def test_a_killed_builder_leaves_no_lock_and_no_half_library(tiny, monkeypatch):
    compiler(tiny, monkeypatch, body="for last; do :; done\necho half > half.so\nsleep 60")
    code = f"""
from pathlib import Path
from psubench.neurons import cpp_build
cpp_build._HERE, cpp_build.SOURCES = Path({str(tiny)!r}), ("tiny.cpp",)
cpp_build.library()
"""
    builder = subprocess.Popen([sys.executable, "-c", code], cwd=tiny, start_new_session=True)
    until(lambda: builds(tiny), builder)
    os.killpg(builder.pid, 9)
    builder.wait()
    compiler(tiny, monkeypatch)
    assert b"ELF" in cpp_build.library().read_bytes()[:4]


def test_what_another_machine_built_is_not_used(tiny, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(cpp_build, "processor", lambda: ["x86_64", "model : 999", "flags : fpu avx1024"])
        foreign = cpp_build.library()
    foreign.write_bytes(b"made for a processor that this one is not")
    own = cpp_build.library()
    assert own != foreign
    assert b"ELF" in own.read_bytes()[:4]


def change_source(folder, monkeypatch):
    (folder / "tiny.cpp").write_text(TINY.replace("42", "43"))


def change_compiler(folder, monkeypatch):
    compiler(folder, monkeypatch, version="c++ 2.0")


def change_torch(folder, monkeypatch):
    monkeypatch.setattr("torch.__version__", "9.9")


def change_abi(folder, monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.99")


def change_flags(folder, monkeypatch):
    monkeypatch.setattr(cpp_build, "flags", lambda: ["-shared", "-fPIC", "-O0"])


@pytest.mark.parametrize("change", [change_source, change_compiler, change_torch, change_abi, change_flags])
def test_everything_that_matters_is_in_the_name(tiny, monkeypatch, change):
    before = cpp_build.fingerprint(cpp_build.compiler())
    assert cpp_build.fingerprint(cpp_build.compiler()) == before
    change(tiny, monkeypatch)
    assert cpp_build.fingerprint(cpp_build.compiler()) != before


def test_every_source_is_in_the_name():
    folder = Path(cpp_build.__file__).parent
    assert {path.name for path in folder.iterdir() if path.suffix in {".cpp", ".h"}} == set(cpp_build.SOURCES)


def test_the_processor_is_told_by_its_instruction_sets():
    text = " ".join(cpp_build.processor())
    if not Path("/proc/cpuinfo").exists():
        pytest.skip("this system does not list the instruction sets of its processor")
    assert "flags" in text or "Features" in text
    assert "MHz" not in text  # changes while one looks at it


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'tiny.cpp:1: error: no such header' >&2; exit 1", "error: no such header.*C\\+\\+20"),
        ("exit 3", "cannot build"),
    ],
)
def test_a_compiler_that_fails(tiny, monkeypatch, body, message):
    compiler(tiny, monkeypatch, body=body)
    with pytest.raises(UnsupportedError, match=message):
        cpp_build.library()
    assert libraries(tiny) == []


def test_no_compiler(tiny, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UnsupportedError, match=r'"no-such-compiler" was not found; install g\+\+'):
        cpp_build.library()
    assert not (tiny / "cache").exists()


def test_a_cache_that_cannot_be_written(tiny, monkeypatch):
    (tiny / "cache").write_text("a file in the way")
    with pytest.raises(UnsupportedError, match=r"cannot build fused neurons in .*TORCH_EXTENSIONS_DIR"):
        cpp_build.library()


def test_a_damaged_library_says_which_file_to_delete(tiny):
    cpp_build.library().write_bytes(b"\x7fELF but nothing else")
    cpp_build.ops.cache_clear()
    try:
        with pytest.raises(UnsupportedError, match=r"cannot load .*\.so.*delete that file"):
            cpp_build.ops()
    finally:
        cpp_build.ops.cache_clear()


def test_without_a_compiler_only_what_needs_one_is_unsupported(tmp_path, monkeypatch):
    words = ["speed", "--T", "4", "--batch", "2", "--size", "8", "--quiet",
        "--data", "normal", "--phase", "infer", "--processes", "1", "--max-seconds", "0.1",
        "--neurons", "lif,lif@fused,psu@fused,psu@compile,psu", "--out", str(tmp_path),
    ]  # fmt: skip
    monkeypatch.setenv("CXX", "no-such-compiler")
    here(*words, "--no-memory", check=4)
    rows = {row.label: row for row in speed_rows.rows(jsonl.read(tmp_path / jsonl.NAME))}
    for label in ("lif@fused", "psu@fused", "psu@compile"):
        assert rows[label].status == "unsupported"
        assert "install g++" in rows[label].message
    assert {rows[label].status for label in ("lif", "psu")} == {"ok"}
