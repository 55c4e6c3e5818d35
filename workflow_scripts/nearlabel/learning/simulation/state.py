"""State of a run of active learning after each round, on disk: what a killed run goes on from."""

import logging
import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nearlabel.files import written_whole
from nearlabel.sources import fingerprint

logger = logging.getLogger(__name__)


@dataclass
class RunState:
    """What a run has done so far.

    Attributes
    ----------
    rounds : list of dict
        Rows of ``rounds.csv``.
    queries : list of dict
        Rows of ``queries.csv``, those of the round to come included.
    choices : list of dict
        What the strategy says of each of its choices.
    model : dict of str to Tensor, or None
        State of the trained stages after the last round; None once nothing more is to be trained.
    maps, map_size
        How activation maps were made, and their height and width; None where none were needed.
    chosen_maps : list of Tensor of uint8
        Those of the images chosen, one for each choice.
    """

    rounds: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)
    model: dict[str, torch.Tensor] | None = None
    maps: str | None = None
    map_size: list[int] | None = None
    chosen_maps: list[torch.Tensor] = field(default_factory=list)


class StateFile:
    """The file that holds the state of one run.

    Parameters
    ----------
    folder : str or Path
        The run's own, which nothing else is kept in.
    parts : mapping
        Everything that the run's numbers depend on; JSON-able. Its fingerprint names the file, so that a changed run
        finds none.
    """

    def __init__(self, folder, parts: Mapping[str, Any]):
        self.path = Path(folder) / f"{fingerprint(parts)}.pt"

    def load(self) -> RunState:
        """Read the state; an empty one where there is none or it is damaged, which the log then says."""
        if not self.path.exists():
            return RunState()
        try:
            state = RunState(**torch.load(self.path, map_location="cpu", weights_only=True))
            logger.info("%d finished rounds found in %s", len(state.rounds), self.path)
            return state
        # weights_only: tensors, numbers and texts alone are read, no pickled code is run.
        except (OSError, RuntimeError, TypeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            logger.warning("state %s is damaged (%s): the run begins anew", self.path, " ".join(str(error).split()))
            return RunState()

    def save(self, state: RunState) -> None:
        """Write the state; the file is replaced whole."""
        with written_whole(self.path) as partial:
            torch.save(vars(state), partial)

    def remove(self) -> None:
        """Remove the state of a run that has ended, lest a later one take it for its own, and older ones with it.

        Probabilities kept beside them go too, and their folder, where nothing else lies in it.
        """
        for pattern in ("*.pt", ".*.pt.*.part", "*.f32", ".*.f32.*.part"):
            for file in self.path.parent.glob(pattern):
                file.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()
