"""Where a network computes, and with which of torch's settings the same input gives the same bits."""

from contextlib import contextmanager

import torch


def choose_device(device: str) -> torch.device:
    """Return the device that a config's word means: ``auto`` is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError
        CUDA is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} is asked for but torch finds no CUDA device; use auto or cpu")
    return chosen


def describe_device(device: torch.device) -> str:
    """Name the hardware on which the last bits of features depend."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type


@contextmanager
def torch_set_up(threads: int):
    """Set torch so that the same input gives the same bits: its threads, and no choice of algorithm by timing.

    Parameters
    ----------
    threads : int
        Of torch on the CPU, while the block runs.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
