"""Where in a network its maps are: found by a trial pass, for any convolutional network."""

import math
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn


class Stage(NamedTuple):
    """A block of a network whose output is a map.

    Attributes
    ----------
    name : str
        The module's, as `torch.nn.Module.named_modules` gives it.
    stride : int
        Of the output, in pixels of the input: a power of two.
    channels, height, width : int
        Of the output.
    """

    name: str
    stride: int
    channels: int
    height: int
    width: int


def list_stages(network: nn.Module, run: Callable[[], object], size: tuple[int, int]) -> list[Stage]:
    """List the blocks of a network's trunk whose output is a map, in the order in which they end.

    From the network itself the walk goes down into `torch.nn.Sequential` and `torch.nn.ModuleList` and into modules
    whose own output is no map, never into other blocks: those are what the trunk is made of.

    Parameters
    ----------
    network : torch.nn.Module
    run : callable
        Makes the network's trial pass of one image.
    size : (int, int)
        Height and width of that image. A map is a tensor (1, c, h, w) of more than one cell, whose strides along height
        and width round to one power of two.

    Returns
    -------
    list of Stage
    """
    outputs: dict[str, tuple[int, torch.Size]] = {}

    def note(name: str):
        def hook(_module, _inputs, output):
            if isinstance(output, torch.Tensor):
                outputs.pop(name, None)
                outputs[name] = (len(order), output.shape)
                order.append(name)

        return hook

    order: list[str] = []
    handles = [module.register_forward_hook(note(name)) for name, module in network.named_modules()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    found = {name: (when, _as_stage(name, shape, size)) for name, (when, shape) in outputs.items()}
    blocks = [found[name] for name in _walk(network, "", {n for n, (_, stage) in found.items() if stage})]
    return [stage for _, stage in sorted(blocks)]


def last_of_strides(stages: Sequence[Stage], strides: Sequence[int], name: str) -> list[Stage]:
    """Choose the last block at each stride.

    Raises
    ------
    ValueError
        The network `name` has none at one of them.
    """
    last = {stage.stride: stage for stage in stages}
    lacking = [f"1/{stride}" for stride in strides if stride not in last]
    if lacking:
        there = ", ".join(f"1/{stride}" for stride in sorted(last)) or "none"
        raise ValueError(
            f"pooling of {name} by novelty needs its maps at 1/{' and 1/'.join(map(str, strides))} of the size; "
            f"it has no map at {' and '.join(lacking)} (maps: {there}); set pooling to average"
        )
    return [last[stride] for stride in strides]


@contextmanager
def hooked(network: nn.Module, stages: Sequence[Stage], take: Callable[[torch.Tensor], torch.Tensor]):
    """Give a mapping that holds, after each pass, what `take` makes of the stages' outputs, by name.

    A hook takes at once, as a later module may change the output in place.
    """
    taken: dict[str, torch.Tensor] = {}

    def keep(name: str):
        return lambda _module, _inputs, output: taken.__setitem__(name, take(output))

    handles = [network.get_submodule(stage.name).register_forward_hook(keep(stage.name)) for stage in stages]
    try:
        yield taken
    finally:
        for handle in handles:
            handle.remove()


def _as_stage(name: str, shape: torch.Size, size: tuple[int, int]) -> Stage | None:
    if len(shape) != 4 or shape[2] * shape[3] < 2:
        return None
    steps = [round(math.log2(whole / part)) for whole, part in zip(size, shape[2:], strict=True)]
    if steps[0] != steps[1] or steps[0] < 0:  # height and width are elsewhere, as in Swin's (1, h, w, c)
        return None
    return Stage(name, 2 ** steps[0], *shape[1:])


def _walk(module: nn.Module, name: str, maps: set[str]) -> list[str]:
    blocks = []
    for child_name, child in module.named_children():
        path = f"{name}.{child_name}" if name else child_name
        if path in maps and not isinstance(child, nn.Sequential | nn.ModuleList):
            blocks.append(path)
        else:
            blocks += _walk(child, path, maps)
    return blocks
