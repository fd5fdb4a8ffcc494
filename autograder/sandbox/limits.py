"""How much a run may use. Generous for honest work: loops over a small convolution take seconds."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of one run, that is of one fresh process that runs the cells and answers calls.

    cell_seconds: wall time of one cell. call_seconds: of one call, where exercises allow more.
    total_seconds: wall time of the whole run. cpu_seconds: processor time of the whole run, all threads
    together. address_space: bytes of memory, including some 500 MiB that the interpreter maps for its
    libraries. file_bytes: the largest file. tmpfs_bytes: all files together. answer_bytes: the arrays of one
    answer; a judge holds those to all cases at once. threads: at once. memory_bytes: what the run holds in
    memory; `address_space` comes first for most code, as a MemoryError.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 10.0
    total_seconds: float = 120.0
    cpu_seconds: int = 120
    address_space: int = 2048 * MIB
    file_bytes: int = 64 * MIB
    tmpfs_bytes: int = 64 * MIB
    answer_bytes: int = MIB
    open_files: int = 256
    threads: int = 64
    memory_bytes: int = 2048 * MIB
