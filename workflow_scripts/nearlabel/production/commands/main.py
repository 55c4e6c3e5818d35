"""The console command ``nearlabel``."""

import argparse
import logging
import os
import signal
import sys

SWITCH = 0.0005
"""Seconds after which a thread that decodes lets the one go on that labels.

Python's own 5 ms are a whole pass of a small network: on two cores it costs a tenth of the rate.
"""

COMMANDS = {
    "label": "label the images of a folder, once",
    "watch": "label images as they arrive in a folder, for months",
    "review": "show the latest images in the browser, to confirm and correct",
    "bundle": "list, compare, choose and export bundles",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status.

    Parameters
    ----------
    arguments : list of str, optional
        Of the command line, without the program's name.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    lines = "\n".join(f"  {name:8} {what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="nearlabel",
        description="New images in, labels out.",
        epilog=f"commands:\n{lines}\n\nnearlabel COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    chosen = parser.parse_args(arguments[:1]).command
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    # Other libraries say at length what they do.
    logging.getLogger("nearlabel").setLevel(logging.INFO)
    # Names of files that are no UTF-8 are printed as they are on the disk.
    sys.stdout.reconfigure(errors="surrogateescape")
    sys.setswitchinterval(SWITCH)
    # Each takes seconds to import what it needs.
    match chosen:
        case "label":
            from nearlabel.production.commands import label as command
        case "watch":
            from nearlabel.production.commands import watch as command
        case "review":
            from nearlabel.production.commands import review as command
        case _:
            from nearlabel.production.commands import bundle as command
    own = argparse.ArgumentParser(prog=f"nearlabel {chosen}", description=f"{COMMANDS[chosen].capitalize()}.")
    command.add_arguments(own)
    try:
        status = command.run(own.parse_args(arguments[1:]))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Who reads has left, as `head` does. What is left is written nowhere, and the shell is told as it is used to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, ValueError) as error:
        print(f"nearlabel {chosen}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
