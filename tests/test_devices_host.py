"""Facts about the machine, and one run at a time on it."""

import os
import signal
import stat
import subprocess
import sys

import pytest
from support.powercap import tree

from psubench.devices import device_lock, host, lock, machine, memory_limit_bytes
from psubench.errors import PsubenchError


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
    """Where the locks of this test lie."""
    monkeypatch.setenv("PSUBENCH_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "locks"


@pytest.fixture
def holder(locks):
    """Another process that holds the processor until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(locks)},  # another than this process's
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
        assert (locks / "psubench-cpu.lock").read_text() == str(os.getpid())
    assert said == [f"cpu is in use by process {holder.pid}; waiting until it has finished"]
    assert (locks / "psubench-cpu.lock").read_text() == ""


def test_other_devices_and_the_scripted_one_do_not_wait(holder, locks):
    with device_lock("scripted", pytest.fail), device_lock("cuda:0", pytest.fail):
        assert sorted(file.name for file in locks.iterdir()) == [
            "psubench-cpu.lock",
            "psubench-cuda:0.lock",
        ]


def test_every_user_may_take_the_lock_and_only_its_owner_may_write_it(locks):
    before = os.umask(0o077)
    try:
        with device_lock("cpu", pytest.fail):
            mode = stat.S_IMODE((locks / "psubench-cpu.lock").stat().st_mode)
    finally:
        os.umask(before)
    assert mode == 0o644


def test_the_place_of_the_lock_depends_on_no_folder_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.delenv("PSUBENCH_LOCKS")
    for variable in ("TMPDIR", "TEMP", "TMP", "HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(lock.os, "open", refuse)
    with pytest.raises(PsubenchError, match=r"with /tmp/psubench-cpu\.lock: "), device_lock("cpu", print):
        pass


def refuse(path, *_):
    raise OSError(13, "Permission denied", str(path))


@pytest.mark.parametrize("trap", ["link", "hard link", "dangling link", "pipe", "folder", "file", "long"])
def test_a_trap_in_the_place_of_the_lock_is_refused_and_what_it_leads_to_is_kept(locks, tmp_path, trap):
    precious, place = tmp_path / "precious", locks / "psubench-cpu.lock"
    precious.write_text("kept")
    locks.mkdir()
    {
        "link": lambda: place.symlink_to(precious),
        "hard link": lambda: place.hardlink_to(precious),
        "dangling link": lambda: place.symlink_to(tmp_path / "new"),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "file": lambda: place.write_text("notes of somebody"),
        "long": lambda: place.write_text("1" * 11),
    }[trap]()
    before = place.read_bytes() if trap in ("file", "long") else None
    with (
        pytest.raises(PsubenchError, match=r"cannot lock cpu with .*PSUBENCH_LOCKS"),
        device_lock("cpu", print),
    ):
        pass
    assert precious.read_text() == "kept"
    assert not (tmp_path / "new").exists()
    assert before is None or place.read_bytes() == before


def test_a_lock_that_was_removed_while_it_was_held_is_not_taken_twice(holder, locks):
    """Who cleans the folder must not let two measure at once: who waits locks the file that is there."""
    place, told = locks / "psubench-cpu.lock", []

    def replace(sentence):
        told.append(sentence)
        place.unlink()
        place.touch()
        holder.kill()

    with device_lock("cpu", replace):
        assert place.read_text() == str(os.getpid())
    assert len(told) == 1


def test_an_error_inside_frees_the_lock(locks):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), device_lock("cpu", pytest.fail):
            raise ZeroDivisionError


def test_a_folder_that_cannot_be_used_is_one_line(locks):
    locks.write_text("a file where the folder should be")
    with (
        pytest.raises(PsubenchError, match=r"cannot lock cpu .*PSUBENCH_LOCKS") as caught,
        device_lock("cpu", pytest.fail),
    ):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "150000 100000"}, 1.5),
        # version 1: a folder with the names of all controllers of the mount, or a link with one of them
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/job\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "1:name=systemd:/\n4:cpuacct,cpu:/docker/1f\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            None,
        ),
        ({"proc/self/cgroup": "nonsense\n"}, None),
    ],
)
def test_the_cgroup_limits_the_time_of_the_processor(tmp_path, files, cores):
    assert host.cpu_quota(tree(tmp_path, files)) == cores


def test_the_kernels_that_the_processor_gets_are_a_fact_of_the_machine(tmp_path, monkeypatch):
    import torch

    for name in host._KERNEL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert torch.backends.cpu.get_cpu_capability() == machine()["cpu_capability"]
    info = tree(tmp_path, {"proc/cpuinfo": "flags\t\t: sse2 avx2 fma\n"})
    assert host.cpu_capability(info) == "AVX2"
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert host.cpu_capability(info) == "AVX2, ATEN_CPU_CAPABILITY=default"
