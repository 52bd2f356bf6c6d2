"""What the machine that runs this can do."""

import os
import platform
from pathlib import Path

from karyolot.contracts.problems import KaryolotError

CPU_INFO = Path("/proc/cpuinfo")
BWA_INSTEAD = "set alignment.aligner: bwa (the same index, 5 times the CPU time), or use another machine"


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


def check_memory(tool: str, needed_mb: int, there_mb: int) -> None:
    """Raise KaryolotError when the memory of this machine does not suffice for a tool."""
    if needed_mb > there_mb:
        needed, there = (f"{mb / 1000:.1f} GB" for mb in (needed_mb, there_mb))
        message = f"{tool} needs {needed} of memory for this genome, and {platform.node()} has {there}"
        raise KaryolotError(message, BWA_INSTEAD)


def memory_mb() -> int:
    """Memory of this machine, MB of 10^6 bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
