"""Where a network computes, how exactly, how much at a time, and with which of torch's settings bits repeat."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

CPU_BATCH = 32
"""Images of a forward pass on the CPU, where none are asked for: more are no faster there."""

CUDA_PIXELS = 256 * 224 * 224
"""Pixels of a forward pass on a CUDA device, where no images are asked for: 256 images of 224 × 224."""


def choose_device(device: str) -> torch.device:
    """Return the device that a config's word means: ``auto`` is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError
        CUDA is asked for and there is none; or there is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(f"device {device!r} is unknown; choose auto, cpu, cuda or cuda:1 and so on") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} is asked for but torch finds no CUDA device; use auto or cpu")
    return chosen


def describe_device(device: torch.device) -> str:
    """Name the hardware on which the last bits of features depend."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type


def require_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that a device has not.

    Raises
    ------
    ValueError
        ``tf32`` elsewhere than on a CUDA device, where it would change nothing.
    """
    if precision == "tf32" and device.type != "cuda":
        raise ValueError("precision tf32 is one of CUDA devices, and this job has none; set precision to float32")


def choose_batch_size(batch_size: int | str, device: torch.device, size: int | tuple[int, int]) -> int:
    """Return how many images a forward pass takes.

    Parameters
    ----------
    batch_size : int or "auto"
        ``auto``: `CPU_BATCH` on the CPU; on a CUDA device the largest power of two whose images have at most
        `CUDA_PIXELS` pixels. Never by how much memory is free, which changes from run to run.
    device : torch.device
    size : int or (int, int)
        Side of the images, or height and width, in pixels.
    """
    if batch_size != "auto":
        return int(batch_size)
    if device.type != "cuda":
        return CPU_BATCH
    height, width = (size, size) if isinstance(size, int) else size
    most = max(1, CUDA_PIXELS // (height * width))
    return 1 << (most.bit_length() - 1)


@contextmanager
def torch_set_up(threads: int, precision: str = "float32") -> Iterator[None]:
    """Set torch so that the same input gives the same bits: its threads, and no choice of algorithm by timing.

    Parameters
    ----------
    threads : int
        Of torch on the CPU, while the block runs.
    precision : str
        ``float32``: in full. ``tf32``: convolutions and matrix products of a CUDA device round what they multiply to 10
        bits of mantissa. ``bfloat16``: as ``float32`` here; the forward passes go into `autocast`.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    # The documented setting of matrix products; that of convolutions is cuDNN's own.
    products, coarse = torch.backends.cuda.matmul.fp32_precision, precision == "tf32"
    torch.backends.cuda.matmul.fp32_precision = "tf32" if coarse else "ieee"
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=coarse):
            yield
    finally:
        torch.backends.cuda.matmul.fp32_precision = products
        torch.set_num_threads(before)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context of a forward pass: with ``bfloat16`` convolutions and matrix products are computed in that type.

    Weights, sums over many values and what the loss is made of stay in float32, as torch chooses it.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
