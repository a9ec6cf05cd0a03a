"""What Callgrind has written, as instructions of a call. Pure: text in, numbers out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_COST = "0123456789+-*"
"""What a line with costs begins with: where in its file, as a number or against the line before."""
_BY_ADDRESS = re.compile(
    # The allocators of libc, C++ and Python.
    r"^_*(libc_)?([mc]|re)alloc$|^_*(libc_)?c?free$|^_int_(malloc|free|realloc|memalign)|^_mid_memalign|"
    r"memalign$|^aligned_alloc$|^(malloc_consolidate|unlink_chunk|sysmalloc|systrim|alloc_perturb|tcache_)|"
    r"^_Zn[wa]m|^_Zd[la]Pv|^_?Py(Object|Mem)_(Raw)?([MC]alloc|Realloc|Free)|^_PyMem_|^pymalloc_|"
    # Look-ups in dictionaries, sets and types of Python, which caches and specialises by address.
    r"^_?PyDict_|^_Py_dict_lookup|^lookdict|^(unicode|dict)keys_|^insertdict|^insert_to_emptydict|"
    r"^find_empty_slot|^dictresize|^insertion_resize|^build_indices|^set_|^_PyType_Lookup|^find_name_in_mro|"
    r"^_Py_Specialize_|^analyze_descriptor|^assign_version_tag|^__memcmp_|"
    # Maps of autograd, whose keys are addresses of nodes.
    r"_HashtableI|_Map_baseI|_Rb_treeI|compute_dependencies|init_to_execute|task_should_compute_output|"
    r"Engine17evaluate_function"
)


class Instructions(NamedTuple):
    """Of one call.

    Attributes:
        core: without functions whose cost depends on where things lie in memory.
        every: all.
        system_calls: their number.
    """

    core: int
    every: int
    system_calls: int


def instructions(lines: Iterable[str]) -> Instructions:
    """The instructions of one dump of Callgrind, its events being `Ir sysCount sysTime`."""
    costs = self_costs(lines)
    every = sum(ir for ir, _ in costs.values())
    by_address = sum(ir for name, (ir, _) in costs.items() if _BY_ADDRESS.search(name))
    return Instructions(every - by_address, every, sum(calls for _, calls in costs.values()))


def self_costs(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """By function, as the linker names it, its own instructions and system calls, without its callees'.

    A name is written once, `fn=(7) malloc`, and is then `fn=(7)`; the line after `calls=` is the callee's.
    """
    names: dict[str, str] = {}
    found: dict[str, tuple[int, int]] = {}
    here, of_callee = "", False
    for line in lines:
        if line and line[0] in _COST:
            if not of_callee:
                ir, calls = ([int(cost) for cost in line.split()[1:3]] + [0, 0])[:2]
                before = found.get(here, (0, 0))
                found[here] = before[0] + ir, before[1] + calls
            of_callee = False
        elif line.startswith(("fn=", "cfn=")):
            number, _, name = line.rstrip().partition("=")[2].partition(" ")
            if name:
                names[number] = name
            if line[0] == "f":
                here = names[number]
        elif line.startswith("calls="):
            of_callee = True
    return found
