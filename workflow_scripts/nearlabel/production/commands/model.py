"""``nearlabel label --model``: label the images of a folder by a model alone."""

import argparse
import csv
import sys

PASSED = ("device", "workers", "weights", "weights_dir", "weights_mirror", "module")


def label_by_model(arguments: argparse.Namespace) -> int:
    """Label a folder by ``model.skops``; returns the exit status: 1 where no image can be labelled.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of `nearlabel.production.commands.label.add_arguments`.

    Raises
    ------
    FileNotFoundError, ValueError
        As of `nearlabel.grouping.models.labelling.label_folder`, in the words of the command; an option that a model
        alone does not have.
    """
    from nearlabel.features.encoding.needs import count_cores
    from nearlabel.files import write_csv
    from nearlabel.grouping.models.labelling import label_folder
    from nearlabel.production.commands.options import check_paths

    ours = {"--coverage": arguments.coverage, "--false-alarms": arguments.false_alarms}
    ours |= {"--runtime onnx": arguments.runtime == "onnx" or None, "--threads": arguments.threads != 1 or None}
    if foreign := [option for option, value in ours.items() if value is not None]:
        raise ValueError(f"{foreign[0]} is of --bundle; a model alone gives a label and a score")
    if arguments.output.endswith(".jsonl"):
        raise ValueError(f"--output {arguments.output}: a model alone writes CSV; name a .csv file")
    check_paths(arguments)
    options = {name: getattr(arguments, name) for name in PASSED}
    options["workers"] = count_cores() if arguments.workers is None else arguments.workers
    try:
        labels = label_folder(arguments.model, arguments.folder, **options)
    except (OSError, ValueError) as error:
        raise ValueError(_by_option(str(error))) from error
    if arguments.output == "-":
        labels.to_csv(sys.stdout, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    else:
        write_csv(arguments.output, labels)
    return 0 if (labels["reason"] == "").any() else 1


def _by_option(sentence: str) -> str:
    # The library's sentences name arguments, as `weights_dir`; here they are options of the command.
    for name in ("weights_dir", "weights_mirror", "module"):
        sentence = sentence.replace(f"`{name}`", f"--{name.replace('_', '-')}")
    return sentence
