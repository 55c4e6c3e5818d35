"""Options of the commands that label, and the labeller that they ask for."""

import argparse
import re
from pathlib import Path


def add_labelling_arguments(group) -> None:
    """Add the options.

    Parameters
    ----------
    group : argparse.ArgumentParser or group of one
    """
    group.add_argument("--coverage", type=float, metavar="P", help="of the sets of labels (default: the bundle's)")
    group.add_argument(
        "--false-alarms", type=float, metavar="P", help="share of good images flagged as novel (default: the bundle's)"
    )
    group.add_argument("--device", type=device, default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    group.add_argument("--threads", type=positive, default=1, metavar="N", help="of the encoder (default: 1)")
    group.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="images decoded at a time while others are labelled (default: the cores that the encoder leaves)",
    )
    group.add_argument(
        "--runtime",
        choices=("torch", "onnx"),
        default="torch",
        help="what computes networks; onnx needs no torch, but encoders that `nearlabel bundle export` wrote",
    )
    group.add_argument("--weights-dir", type=Path, metavar="FOLDER", help="weights files, or .onnx files of --runtime")
    group.add_argument("--module", type=Path, metavar="FILE", help="Python file of a custom encoder; it is run")


def make_labeller(folder: Path, arguments: argparse.Namespace):
    """Make a labeller of a bundle as the options say.

    Parameters
    ----------
    folder : Path
        A bundle, or a folder of bundles.
    arguments : argparse.Namespace
        Of `add_labelling_arguments`.

    Returns
    -------
    nearlabel.production.labeller.labeller.Labeller

    Raises
    ------
    FileNotFoundError, ValueError
        As `check_paths`, and as the labeller.
    """
    from nearlabel.production.bundle.files import read_bundle
    from nearlabel.production.labeller.labeller import Labeller

    check_paths(arguments)
    return Labeller(
        read_bundle(folder),
        device=arguments.device,
        threads=arguments.threads,
        coverage=arguments.coverage,
        false_alarms=arguments.false_alarms,
        weights_dir=arguments.weights_dir,
        module=arguments.module,
        runtime=arguments.runtime,
    )


def check_paths(arguments: argparse.Namespace) -> None:
    """Refuse a ``--weights-dir`` or ``--module`` that is not there, though a bundle may need none.

    Raises
    ------
    FileNotFoundError
    """
    if arguments.weights_dir and not Path(arguments.weights_dir).is_dir():
        raise FileNotFoundError(f"--weights-dir {arguments.weights_dir} is no folder; name the one with the weights")
    if arguments.module and not Path(arguments.module).is_file():
        raise FileNotFoundError(f"--module {arguments.module} is no file; name the custom encoder's Python file")


def positive(text: str) -> int:
    """Read a whole number from 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return value


def device(text: str) -> str:
    """Read the name of a device; whether it is there is seen where something computes on it."""
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; write auto, cpu, cuda or cuda:1 and so on")
    return text
