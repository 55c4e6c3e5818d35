"""Options of the commands that label, and the labeller that they ask for."""

import argparse
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
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
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
    """
    from nearlabel.production.bundle.files import read_bundle
    from nearlabel.production.labeller.labeller import Labeller

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


def positive(text: str) -> int:
    """Read a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return value
