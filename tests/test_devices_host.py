"""Facts about the machine, and one run at a time on it."""

import os
import signal
import stat
import subprocess
import sys
import tempfile

import pytest

from psubench.devices import device_lock, host, machine, memory_limit_bytes
from psubench.errors import PsubenchError


def tree(root, files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_the_facts_of_a_machine_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 5, 2}, raising=False)
    cpus = "sys/devices/system/cpu"
    files = {
        "proc/cpuinfo": "processor : 0\nmodel name\t: Fast  9000\nflags\t: sse avx hypervisor\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
        f"{cpus}/smt/active": "1\n",
        f"{cpus}/cpu1/cpufreq/scaling_governor": "performance\n",
        f"{cpus}/cpu1/cpufreq/scaling_cur_freq": "3200000\n",
        f"{cpus}/cpu5/cpufreq/scaling_cur_freq": "1400500\n",
        **{
            f"{cpus}/cpu{cpu}/topology/thread_siblings_list": s
            for cpu, s in ((1, "1,5"), (5, "1,5"), (2, "2"))
        },
    }
    facts = machine(tree(tmp_path, files))
    expected = {
        "cpu": "Fast  9000",
        "physical_cores": 2,
        "logical_cores": 3,
        "governor": "performance",
        "smt": True,
        "virtual": True,
        "transparent_huge_pages": "madvise",
        "python": "{}.{}.{}".format(*sys.version_info),
    }
    assert {name: facts[name] for name in expected} == expected
    assert host.frequencies_mhz(tmp_path) == (1400.5, 3200.0)


def test_what_the_machine_does_not_tell_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("platform.processor", lambda: "")
    facts = machine(tmp_path)
    silent = ("cpu", "physical_cores", "governor", "smt", "virtual", "transparent_huge_pages")
    assert [facts[name] for name in silent] == [None] * len(silent)
    assert host.frequencies_mhz(tmp_path) is None


def test_the_facts_do_not_change_by_themselves():
    assert machine() == machine()


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "5000\n"}, 5000),
        # the one above allows less
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/memory.max": "4000",
                "sys/fs/cgroup/a/b/memory.max": "5000",
            },
            4000,
        ),
        # in a container the path of the host is not there
        ({"proc/self/cgroup": "0::/docker/1f\n", "sys/fs/cgroup/memory.max": "3000"}, 3000),
        ({"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/memory.max": "3000"}, 3000),
        # version 1
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/j\n2:memory:/j\n",
                "sys/fs/cgroup/memory/j/memory.limit_in_bytes": "2000",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            2000,
        ),
    ],
)
def test_the_cgroup_limits_memory(tmp_path, files, limit):
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    root = tree(tmp_path, files)
    assert host.memory_bytes(root) == (limit or whole)
    assert memory_limit_bytes(root) == int(0.8 * (limit or whole))


HOLDER = """
import sys
from psubench.devices import device_lock
with device_lock("cpu", print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "psubench-locks"


@pytest.fixture
def holder(locks):
    """Another process that holds the processor until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(locks.parent)},
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.stdin.close()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("end", ["release", "kill"])
def test_a_second_run_waits_for_the_first(holder, locks, end):
    said = []

    def on_wait(sentence):
        said.append(sentence)
        assert holder.poll() is None
        holder.stdin.close() if end == "release" else holder.send_signal(signal.SIGKILL)

    with device_lock("cpu", on_wait):
        # Whoever holds it now, the first has let go: its number is replaced by ours.
        assert (locks / "cpu.lock").read_text() == str(os.getpid())
    assert said == [f"cpu is in use by process {holder.pid}; waiting until it has finished"]
    assert (locks / "cpu.lock").read_text() == ""


def test_other_devices_and_the_scripted_one_do_not_wait(holder, locks):
    with device_lock("scripted", pytest.fail), device_lock("cuda:0", pytest.fail):
        assert sorted(file.name for file in locks.iterdir()) == ["cpu.lock", "cuda:0.lock"]


def test_every_user_may_take_the_lock(locks):
    before = os.umask(0o077)
    try:
        with device_lock("cpu", pytest.fail):
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (locks, locks / "cpu.lock")]
    finally:
        os.umask(before)
    assert modes == [0o777, 0o666]


def test_an_error_inside_frees_the_lock(locks):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), device_lock("cpu", pytest.fail):
            raise ZeroDivisionError


def test_a_folder_that_cannot_be_used_is_one_line(locks):
    locks.write_text("a file where the folder should be")
    with (
        pytest.raises(PsubenchError, match=r"cannot lock cpu .*TMPDIR") as caught,
        device_lock("cpu", pytest.fail),
    ):
        pass
    assert "\n" not in str(caught.value)
