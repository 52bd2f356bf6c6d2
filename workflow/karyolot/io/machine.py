"""What the machine that runs this can do."""

import os
import platform
from pathlib import Path

from karyolot.contracts.problems import KaryolotError

CPU_INFO = Path("/proc/cpuinfo")
MEMINFO, CGROUPS, OWN_GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
V2, V1 = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
"""Files of a control group: what it may use, and what it uses; in bytes."""
BWA_INSTEAD = "set alignment.aligner: bwa (the same index, 4 times the CPU time), or use another machine"


def check_bwa_mem3(cpu_info: Path = CPU_INFO) -> None:
    """Raise KaryolotError when the processor cannot run bwa-mem3.

    On x86 it needs AVX2 (Intel since 2013, AMD since 2015); of the others it supports nothing further. What Linux does not
    list (macOS) is not refused here.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return
    flags = [line for line in _lines(cpu_info) if line.startswith("flags")]
    if flags and "avx2" not in flags[0].split():
        raise KaryolotError(f"the processor of {platform.node()} has no AVX2, which bwa-mem3 needs", BWA_INSTEAD)


def free_mb(meminfo: Path = MEMINFO, cgroups: Path = CGROUPS, own_group: Path = OWN_GROUP) -> int:
    """Memory that new jobs can have, in MB: what the machine has available, or less where a control group (container, batch
    job, service) allows less. Where the system does not report it (macOS), all that is installed."""
    available = _available(meminfo)
    if available is None:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([available, *_left_in_groups(cgroups, own_group)]) // 1_000_000


def _available(meminfo: Path) -> int | None:
    if not meminfo.is_file():
        return None
    rows = (line.split() for line in meminfo.read_text(encoding="utf-8").splitlines())
    return next((int(row[1]) * 1024 for row in rows if row and row[0] == "MemAvailable:"), None)


def _left_in_groups(cgroups: Path, own_group: Path) -> list[int]:
    """What each control group above this process has left; none without a limit. File pages it could drop count as left."""
    if not own_group.is_file():
        return []
    found = []
    for line in own_group.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        names, root = (V1, cgroups / "memory") if controllers else (V2, cgroups)
        group = root / path.lstrip("/")
        for folder in [group, *group.parents]:
            if folder == root.parent:
                break
            found += _left(folder, *names)
    return found


def _left(folder: Path, limit: str, usage: str) -> list[int]:
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return []
    droppable = next((int(row[1]) for row in rows if row[0] in ("inactive_file", "total_inactive_file")), 0)
    return [int(most) - used + droppable] if most.isdecimal() else []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
