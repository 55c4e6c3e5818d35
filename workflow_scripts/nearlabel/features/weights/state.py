"""What is in a weights file: tensors by name, and nothing that is run."""

import re
from pathlib import Path

import torch

# DenseNet's published files predate a change of key names; torchvision renames them in the same way.
_OLD_DENSENET_KEY = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))$"
)


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """Load a state dict; tensors only, no code is run.

    Parameters
    ----------
    path : Path
        A file written by ``torch.save(network.state_dict(), path)``.

    Returns
    -------
    dict of str to Tensor
        On the CPU.

    Raises
    ------
    ValueError
        The file is damaged, or holds something else than tensors by name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: damaged archives, unpickling, end of file
        raise ValueError(
            f"weights file {path} is damaged, truncated, or holds more than tensors, which are the only thing loaded; "
            "get it again, or save the network's state_dict()"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"weights file {path} is not a state dict; save `network.state_dict()`, not the network")
    for key in [key for key in state if _OLD_DENSENET_KEY.match(key)]:
        state[_OLD_DENSENET_KEY.sub(r"\1\2", key)] = state.pop(key)
    return state
