"""``nearlabel label``: label the images of a folder, once."""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nearlabel.production.commands.options import add_labelling_arguments, make_labeller

logger = logging.getLogger(__name__)

_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="images, in sub-folders or not")
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument("--bundle", type=Path, metavar="B", help="a bundle, or a folder of bundles: the one in use")
    by.add_argument("--model", type=Path, metavar="FILE", help="model.skops of a classification alone")
    parser.add_argument(
        "--output", default="-", metavar="FILE", help="a .csv or .jsonl file; - (default): CSV on the standard output"
    )
    add_labelling_arguments(parser)
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of --model: its encoder's own weights file")
    parser.add_argument("--weights-mirror", metavar="URL", help="of --model: where published weights are downloaded")


def run(arguments: argparse.Namespace) -> int:
    """Label a folder; returns the exit status: 1 where no image can be labelled.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of `add_arguments`.
    """
    if arguments.model:
        from nearlabel.production.commands.model import label_by_model

        return label_by_model(arguments)
    if arguments.weights or arguments.weights_mirror:
        raise ValueError("--weights and --weights-mirror are of --model; a bundle has its weights, see --weights-dir")
    from nearlabel.bars import Progress
    from nearlabel.features.encoding.needs import count_cores
    from nearlabel.images.readers import read_dataset
    from nearlabel.production.labeller.folder import label_files
    from nearlabel.production.labeller.rows import make_row, open_rows

    start = time.monotonic()
    listed = read_dataset({"kind": "image_folder", "root": str(arguments.folder), "classes": False})
    labeller = make_labeller(arguments.bundle, arguments)
    bundle = labeller.bundle
    workers = arguments.workers or max(1, count_cores() - arguments.threads)
    logger.info("labelling by bundle %d of %s", bundle.number, bundle.facts["dataset"])
    said, rejected = [], Counter()
    began = time.monotonic()
    with open_rows(arguments.output, sys.stdout) as rows, Progress(len(listed.images), "images") as progress:
        for path, found in label_files(labeller, listed.images["path"], workers=workers):
            rows.write(make_row(path, found))
            progress.update()
            if isinstance(found, str):
                rejected[found] += 1
            else:
                said.append((found.node, found.group, found.label, found.novel))
        for path, reason in zip(listed.rejected["path"], listed.rejected["reason"], strict=True):
            rows.write(make_row(path, reason))
            rejected[reason] += 1
    for sentence in summarise(labeller, said, rejected, began - start, time.monotonic() - began):
        logger.info("%s", sentence)
    return 0 if said else 1


def summarise(
    labeller, said: Sequence[tuple[str, str, str, bool]], rejected: Counter, ready: float, spent: float
) -> list[str]:
    """Sum up what was said of a folder, in sentences.

    Parameters
    ----------
    labeller : nearlabel.production.labeller.labeller.Labeller
    said : sequence of (str, str, str, bool)
        Group, its name, label and whether it is novel, of each image.
    rejected : Counter of str
        Why files were no images that can be labelled.
    ready, spent : float
        Seconds until the first image, and from there.

    Returns
    -------
    list of str
    """
    from nearlabel.production.novelty.conformal import realised_range
    from nearlabel.production.novelty.sets import least_calibration

    total = len(said) + rejected.total()
    sentences = [f"{len(said)} of {total} files labelled, {rejected.total()} rejected"]
    sentences += [f"  rejected: {count} × {reason}" for reason, count in rejected.most_common(3)]
    counts = Counter((node, group, label) for node, group, label, novel in said if not novel)
    for (node, group, label), count in counts.most_common(_SHOWN):
        named = f"{node} ({group})" if group else node
        sentences.append(f"  {count:6d}  {named}{f', label {label}' if label else ''}")
    if len(counts) > _SHOWN:
        sentences.append(f"  and {len(counts) - _SHOWN} more pairs of group and label")
    held_out = len(labeller.bundle.calibration.novelty)
    low, high = realised_range(labeller.false_alarms, held_out)
    sentences.append(
        f"{sum(novel for *_, novel in said)} flagged as novel; of 100 good images one expects "
        f"{100 * labeller.false_alarms:g}, with these {held_out} held-out ones {100 * low:.1f} to {100 * high:.1f} "
        "(90 %)"
    )
    if few := labeller.uncalibrated:
        which = ", ".join(f"{label} ({count})" for label, count in few.items())
        drawn = " that were drawn at random" if labeller.bundle.calibration.weights else ""
        sentences.append(
            f"in every set at a coverage of {labeller.coverage:g}, for want of "
            f"{least_calibration(labeller.coverage)} held-out images{drawn}: {which}"
        )
    taken = labeller.take_seconds()
    parts = {"decoding": taken.decode, "encoding": taken.encode, "all else": taken.rest}
    slowest = max(parts, key=parts.get)
    if said:
        each = ", ".join(f"{name} {1e3 * seconds / len(said):.1f} ms" for name, seconds in parts.items())
        sentences.append(
            f"{len(said) / spent:.1f} images/s, after {ready:.1f} s to begin; an image: {each}; slowest: {slowest}"
        )
    return sentences
