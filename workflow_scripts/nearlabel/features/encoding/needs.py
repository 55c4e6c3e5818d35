"""What processes that encode need, and what a machine has; standard library only, as rules ask when they are parsed."""

import os

# Measured on the CPU in float32: what a process holds beside the weights that all share, and for each pixel of a pass.
_BASE, _PER_PIXEL = 150_000_000, 550


def process_bytes(pixels: int) -> int:
    """Memory of a process whose forward passes have so many pixels, of all their images; at most, for any network."""
    return _BASE + _PER_PIXEL * pixels


def count_cores() -> int:
    """Cores that this process may use; a container may be allowed fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_memory() -> int | None:
    """Bytes of memory that the machine has; None where the system does not say."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
