"""What processes that encode need; standard library only, for rules ask for it when the workflow is parsed."""

# Measured on the CPU in float32: what a process holds beside the weights that all share, and for each pixel of a pass.
_BASE, _PER_PIXEL = 150_000_000, 550


def process_bytes(pixels: int) -> int:
    """Memory of a process whose forward passes have so many pixels, of all their images; at most, for any network."""
    return _BASE + _PER_PIXEL * pixels
