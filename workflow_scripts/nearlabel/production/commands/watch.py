"""``nearlabel watch``: label images as they arrive in a folder, for months."""

import argparse
import logging
import os
import signal
import sqlite3
import time
from pathlib import Path

from nearlabel.production.commands.options import add_labelling_arguments, make_labeller, positive

logger = logging.getLogger(__name__)

# For outputs at the end; what is left goes with the next start.
_DRAIN_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument("inbox", type=Path, metavar="INBOX", help="folder in which images arrive; it may be a share")
    parser.add_argument(
        "--bundle",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="a bundle, or a folder of bundles: then the one in use labels, and `nearlabel bundle use` switches it",
    )
    parser.add_argument(
        "--db", type=Path, required=True, metavar="FILE", help="database, on a disk of this machine; made if missing"
    )
    parser.add_argument("--once", action="store_true", help="label what is there and end, for cron")
    when = parser.add_argument_group("when a file is taken")
    when.add_argument(
        "--settle-s",
        type=_seconds,
        default=2.0,
        metavar="S",
        help="when its size and time have not changed for S seconds, and it decodes whole (default: 2)",
    )
    when.add_argument(
        "--give-up-s",
        type=_seconds,
        default=300.0,
        metavar="S",
        help="a file that stands still for S seconds and cannot be read is given up, with an event (default: 300)",
    )
    when.add_argument(
        "--poll-s", type=_seconds, default=0.5, metavar="S", help="look into the inbox every S seconds (default: 0.5)"
    )
    where = parser.add_argument_group("where files go")
    where.add_argument(
        "--archive",
        type=Path,
        metavar="FOLDER",
        help="move labelled files to FOLDER/YEAR-MONTH-DAY (default: they stay)",
    )
    where.add_argument(
        "--quarantine", type=Path, metavar="FOLDER", help="move files that are given up to FOLDER, with the reason"
    )
    what = parser.add_argument_group("what a file's path says")
    camera = what.add_mutually_exclusive_group()
    camera.add_argument("--camera", type=_text, default="", metavar="NAME", help="the camera of every image")
    camera.add_argument(
        "--camera-from",
        type=_text,
        default="",
        metavar="REGEX",
        help="the camera is what the first group finds in the path below the inbox: '^([^/]+)/' is the first folder",
    )
    what.add_argument(
        "--part-from",
        type=_text,
        default="",
        metavar="REGEX",
        help="likewise the part: drift counts the first image of each part, and holds them against those before, not "
        "against the bundle's held-out images, which may be of any view (default: each file is a part of its own)",
    )
    how = parser.add_argument_group("labelling")
    add_labelling_arguments(how)
    how.add_argument(
        "--drift-alarms",
        type=_share,
        default=0.05,
        metavar="P",
        help="chance that drift is ever alarmed of while nothing has changed (default: 0.05)",
    )
    how.add_argument("--batch", type=positive, default=32, metavar="N", help="images recorded together, at most (32)")
    sent = parser.add_argument_group("where labels and events go besides the database")
    sent.add_argument(
        "--jsonl", type=Path, metavar="FILE", help="a line of JSON for each file that arrived (default: DB.jsonl)"
    )
    sent.add_argument(
        "--webhook",
        action="append",
        default=[],
        metavar="URL",
        help="post each as JSON, at least once; with NEARLABEL_WEBHOOK_TOKEN as bearer token if set; repeatable",
    )
    sent.add_argument(
        "--mqtt",
        action="append",
        default=[],
        metavar="URL",
        help="publish to mqtt[s]://user@host/topic, at least once; password from NEARLABEL_MQTT_PASSWORD; repeatable",
    )
    parser.add_argument(
        "--report-every", type=_seconds, default=60.0, metavar="S", help="say how fast it is every S seconds (0: never)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch until a signal ends it, or, once, until all is labelled; returns the exit status.

    Parameters
    ----------
    arguments : argparse.Namespace

    Raises
    ------
    OSError, ValueError
        What is wrong, in one sentence.
    """
    from nearlabel.features.encoding.needs import count_cores
    from nearlabel.production.database.opening import only_watcher, open_database
    from nearlabel.production.outputs.json_lines import JsonLines
    from nearlabel.production.outputs.mqtt import Mqtt
    from nearlabel.production.outputs.sending import Sender
    from nearlabel.production.outputs.webhook import Webhook
    from nearlabel.production.watch.checks import list_oddities, make_folders, refuse_folders
    from nearlabel.production.watch.following import FollowedBundle
    from nearlabel.production.watch.inbox import PathFacts
    from nearlabel.production.watch.options import WatchOptions
    from nearlabel.production.watch.watcher import Watcher

    # What is wrong with them is said before anything is made.
    outputs = [JsonLines(arguments.jsonl or f"{arguments.db}.jsonl")]
    outputs += [*map(Webhook, arguments.webhook), *map(Mqtt, arguments.mqtt)]
    facts = PathFacts(arguments.camera, arguments.camera_from, arguments.part_from)
    options = WatchOptions(
        settle_s=arguments.settle_s,
        give_up_s=arguments.give_up_s,
        poll_s=arguments.poll_s,
        batch=arguments.batch,
        workers=arguments.workers or max(1, count_cores() - arguments.threads),
        archive=arguments.archive,
        quarantine=arguments.quarantine,
        once=arguments.once,
        report_every_s=arguments.report_every,
        drift_alarms=arguments.drift_alarms,
    )
    if options.once:
        _require_inbox(arguments.inbox)
    refuse_folders(arguments.inbox, options.archive, options.quarantine)
    make_folders(options.archive, options.quarantine)
    for sentence in list_oddities(arguments.inbox, arguments.db, options.archive, options.quarantine, options.settle_s):
        logger.warning("%s", sentence)
    # Before a database is made.
    source = FollowedBundle(arguments.bundle, lambda folder: make_labeller(folder, arguments))
    names = [output.name for output in outputs]
    for sentence in introduce(source.labeller, arguments.inbox, arguments.db, options, names):
        logger.info("%s", sentence)
    with only_watcher(arguments.db):
        connection = open_database(arguments.db, create=True)
        try:
            senders = [Sender(arguments.db, output) for output in outputs]

            def recorded() -> None:
                for sender in senders:
                    sender.wake()

            watcher = Watcher(
                arguments.inbox, arguments.db, connection, source, options, facts=facts, recorded=recorded
            )
            _run_until_signal(watcher, senders)
        except sqlite3.Error as error:
            raise OSError(f"{arguments.db}: {error}; nothing is lost, start again when that is mended.") from error
        except RuntimeError as error:
            raise OSError(f"{error}; nothing is lost, start again when that is mended.") from error
        finally:
            connection.close()
    logger.info("ended; %d images labelled", watcher.speed.images)
    return 0


def _require_inbox(inbox: Path) -> None:
    """Say of an inbox that cannot be listed what a watcher that runs on would wait for."""
    try:
        os.scandir(inbox).close()
    except OSError as error:
        raise OSError(
            f"the inbox {inbox} cannot be listed ({error.strerror}); make it, or name the folder where images arrive"
        ) from error


def _run_until_signal(watcher, senders) -> None:
    before = {number: signal.signal(number, lambda *_: watcher.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    for sender in senders:
        sender.start()
    try:
        watcher.run()
    finally:
        deadline = time.monotonic() + _DRAIN_S
        for sender in senders:
            sender.finish(deadline - time.monotonic())
        for number, handler in before.items():
            signal.signal(number, handler)


def introduce(labeller, inbox: Path, database: Path, options, outputs: list[str]) -> list[str]:
    """Say what a watcher is about to do, in a few sentences.

    Parameters
    ----------
    labeller : nearlabel.production.labeller.labeller.Labeller
    inbox, database : Path
    options : nearlabel.production.watch.options.WatchOptions
    outputs : list of str
        Names.

    Returns
    -------
    list of str
    """
    from nearlabel.production.novelty.conformal import realised_range
    from nearlabel.production.novelty.sets import least_calibration

    bundle = labeller.bundle
    low, high = realised_range(labeller.false_alarms, len(bundle.calibration.novelty))
    moved = f"are moved to {options.archive}" if options.archive else "stay where they are"
    sentences = [
        f"Bundle {bundle.number} of {bundle.facts['dataset']} labels what arrives in {inbox}"
        + (", once." if options.once else ", until it is ended (Ctrl-C, SIGTERM)."),
        f"A file is taken when it stands still for {options.settle_s:g} s and decodes whole, and given up after "
        f"{options.give_up_s:g} s. Labelled files {moved}; those given up "
        + (f"are moved to {options.quarantine}." if options.quarantine else "stay."),
        f"Of 100 good images, {100 * labeller.false_alarms:g} are flagged as novel on average; by the "
        f"{len(bundle.calibration.novelty)} held-out ones, {100 * low:.1f} to {100 * high:.1f} (90 %).",
        f"Labels go to {database}, and to {', '.join(outputs)}.",
    ]
    if few := labeller.uncalibrated:
        which = ", ".join(f"{label} ({count})" for label, count in few.items())
        drawn = " that were drawn at random" if labeller.bundle.calibration.weights else ""
        sentences.append(
            f"In every set of labels at a coverage of {labeller.coverage:g}, for want of "
            f"{least_calibration(labeller.coverage)} held-out images{drawn}: {which}."
        )
    return sentences


def _share(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; write it without a unit, as 2 or 0.5")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} holds bytes that are no UTF-8; write it in UTF-8") from None
    return text
