"""``nearlabel bundle``: list, compare, choose, adopt and export bundles."""

import argparse
import contextlib
from pathlib import Path

from nearlabel.production.commands.options import check_paths, device

WHERE = "*/*/bundles"
"""Folders of bundles below ``results``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    # A parser of each action's own, so that its --help is short.
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--in", dest="bundles", metavar="FOLDER", help="their folder; default: results/*/*/bundles")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", parents=[common], help="which bundles there are, and which one is in use")
    use = actions.add_parser("use", parents=[common], help="compare with the one in use, and put N in use")
    compare = actions.add_parser("compare", parents=[common], help="on held-out images, old N against new M")
    line = actions.add_parser("line", parents=[common], help="how the latest images compare with the training images")
    adopt = actions.add_parser("adopt", parents=[common], help="make a bundle with the groups that operators confirmed")
    export = actions.add_parser("export", parents=[common], help="write an encoder for machines without torch (ONNX)")
    use.add_argument("number", type=int, metavar="N", help="number of the bundle")
    compare.add_argument("old", type=int, metavar="N", help="number of the older bundle")
    compare.add_argument("new", type=int, metavar="M", help="number of the newer bundle")
    for one in (line, adopt):
        one.add_argument("--db", required=True, help="the watcher's database")
    adopt.add_argument("--accept", nargs="*", default=[], metavar="NODE", help="proposed groups to take over: root.7")
    adopt.add_argument(
        "--device", type=device, default="auto", help="auto, cpu, cuda or cuda:N, for images of new groups"
    )
    for one in (adopt, export):
        one.add_argument("--weights-dir", help="folder with published weights; default: the bundle's own")
        one.add_argument("--module", help="Python file of a custom encoder; it is run")
    export.add_argument("number", type=int, metavar="N", help="number of the bundle")
    export.add_argument("--onnx", required=True, metavar="FILE", help="file to write")
    export.add_argument("--encoder", help="id of the encoder; default: that of the root")


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say; returns the exit status."""
    bundles = Path(arguments.bundles) if arguments.bundles else find_bundles(Path("results"))
    if not bundles.is_dir():
        raise FileNotFoundError(f"{bundles}: there is no such folder; name the folder of bundles by --in")
    from nearlabel.production.bundle.contents import FACTS

    # What tells of the line needs no more than one.
    if (bundles / FACTS).is_file() and arguments.action != "line":
        above = bundles.absolute().parent
        raise ValueError(f"{bundles} is a bundle itself; name the folder of bundles, {above}, by --in")
    match arguments.action:
        case "list":
            return _list(bundles)
        case "use":
            return _use(bundles, arguments.number)
        case "compare":
            return _compare(bundles, arguments.old, arguments.new)
        case "line":
            return _line(bundles, arguments.db)
        case "adopt":
            return _adopt(bundles, arguments)
        case _:
            return _export(bundles, arguments)


def find_bundles(results: Path) -> Path:
    """Find the only folder of bundles below a folder of results.

    Raises
    ------
    FileNotFoundError, ValueError
        There is none, or there are several.
    """
    found = sorted(folder for folder in results.glob(WHERE) if folder.is_dir())
    if not found:
        raise FileNotFoundError(f"there is no {results}/{WHERE} here; name the folder of bundles by --in")
    if len(found) > 1:
        raise ValueError(f"there are several folders of bundles: {', '.join(map(str, found))}; name one by --in")
    return found[0]


def _list(bundles: Path) -> int:
    from datetime import datetime

    from nearlabel.production.bundle.contents import FACTS, USED
    from nearlabel.production.bundle.facts import read_facts
    from nearlabel.production.bundle.numbering import find_doubles, list_numbers, read_note

    used, numbers = read_note(bundles, USED) or {}, list_numbers(bundles)
    rows = [("bundle", "", "made", "images", "labels", "balanced accuracy", "good held out", "groups", "by people")]
    problems = find_doubles(bundles)
    for number in numbers:
        folder = bundles / str(number)
        marks = [word for word, one in (("in use", used.get("number")), ("newest", numbers[-1])) if one == number]
        try:
            facts = read_facts(folder)
        except ValueError as error:
            problems.append(str(error))
            rows.append((str(number), ", ".join(marks), *["?"] * 7))
            continue
        made = datetime.fromtimestamp((folder / FACTS).stat().st_mtime).isoformat(" ", "minutes")
        accuracy, images = facts["scores"]["balanced_accuracy"], facts["images"]
        cells = (
            images["learnt"],
            len(facts["labels"]),
            "–" if accuracy is None else f"{accuracy:.3f}",
            images["good"],
            sum(facts["groups"].values()),
            images["people"],
        )
        rows.append((str(number), ", ".join(marks), made, *map(str, cells)))
    if len(rows) == 1:
        print(f"{bundles} holds no bundle; `snakemake bundle` makes one")
        return 0
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _use(bundles: Path, number: int) -> int:
    from nearlabel.production.bundle.comparing import compare_bundles
    from nearlabel.production.bundle.contents import USED
    from nearlabel.production.bundle.files import check_bundle
    from nearlabel.production.bundle.numbering import bundle_folder, find_doubles, read_note, write_note

    folder = bundle_folder(bundles, number)
    for problem in find_doubles(bundles):
        print(problem)
    # Whole, before anything is labelled by it.
    facts = check_bundle(folder)
    try:
        used = read_note(bundles, USED)
    except ValueError:
        used = None
    again = used is not None and used["number"] == number
    if used and not again:
        try:
            print(compare_bundles(bundle_folder(bundles, used["number"]), folder).describe())
        except (OSError, ValueError) as error:
            print(f"not compared with bundle {used['number']}: {error}")
    # In any case: a watcher that could not switch looks again when the note is written.
    write_note(bundles, USED, facts)
    if again:
        print(f"bundle {number} is in use already; noted anew, so that running watchers look at it again")
        return 0
    back = f"; back by `nearlabel bundle use {used['number']} --in {bundles}`" if used else ""
    print(f"bundle {number} is in use now{back}")
    return 0


def _compare(bundles: Path, old: int, new: int) -> int:
    from nearlabel.production.bundle.comparing import compare_bundles
    from nearlabel.production.bundle.numbering import bundle_folder

    print(compare_bundles(bundle_folder(bundles, old), bundle_folder(bundles, new)).describe())
    return 0


def _line(bundles: Path, database: str) -> int:
    from nearlabel.production.bundle.files import read_bundle
    from nearlabel.production.database.opening import open_to_read
    from nearlabel.production.streaming.summary import describe_line

    with contextlib.closing(open_to_read(database)) as connection:
        print(describe_line(read_bundle(bundles), connection))
    return 0


def _adopt(bundles: Path, arguments: argparse.Namespace) -> int:
    from nearlabel.production.bundle.files import read_bundle
    from nearlabel.production.bundle.writing import write_bundle
    from nearlabel.production.streaming.adopting import adopt

    check_paths(arguments)
    bundle = read_bundle(bundles)
    build = {name: getattr(arguments, name) for name in ("device", "weights_dir", "module")}
    content = adopt(bundle, arguments.db, accept=arguments.accept, **build)
    if content is None:
        print(
            f"nothing to adopt: operators have confirmed no image that bundle {bundle.number} has labelled as one of "
            "its groups; --accept takes over groups that were proposed"
        )
        return 0
    folder = write_bundle(bundles, content)
    print(f"bundle {folder.name} has the groups; `nearlabel bundle use {folder.name} --in {bundles}` puts it in use")
    if unlearnt := content.facts["unlearnt"]:
        print(
            f"images of {', '.join(unlearnt)} get no label by it: export what operators said on the review page, name "
            "new labels in production.labels, and make the next bundle by `snakemake bundle`"
        )
    return 0


def _export(bundles: Path, arguments: argparse.Namespace) -> int:
    from nearlabel.production.bundle.files import read_bundle
    from nearlabel.production.bundle.numbering import bundle_folder
    from nearlabel.production.bundle.onnx import export_encoder

    check_paths(arguments)
    bundle = read_bundle(bundle_folder(bundles, arguments.number))
    build = {"weights_dir": arguments.weights_dir, "module": arguments.module}
    for name, value in export_encoder(bundle, arguments.onnx, arguments.encoder, **build).items():
        print(f"{name}: {value}")
    return 0
