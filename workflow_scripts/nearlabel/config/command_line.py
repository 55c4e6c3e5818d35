"""Config files that the command line names, looked at before Snakemake reads them.

Snakemake reads them before the Snakefile and says neither which file is wrong nor where; the profiles call this first.
"""

import sys
from collections.abc import Sequence

from nearlabel.config.base import ConfigError
from nearlabel.config.yaml_file import read_entries

_OPTIONS = ("--configfile", "--configfiles")
_SUFFIXES = (".yaml", ".yml", ".json")


def check_command_line(arguments: Sequence[str] | None = None) -> None:
    """Stop with one sentence where a config file is missing or is not YAML.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of Snakemake; by default those of this process.

    Raises
    ------
    SystemExit
        With the sentence.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for position, file in enumerate(named_files(arguments)):
        try:
            read_entries(file)
        except ConfigError as error:
            if position and not file.endswith(_SUFFIXES):
                sys.exit(
                    f"config: {file} is no config file; {_OPTIONS[0]} takes all that follows it: write targets before "
                    f"it, as in snakemake --cores 2 {file} {_OPTIONS[0]} {named_files(arguments)[0]}"
                )
            sys.exit(str(error))


def named_files(arguments: Sequence[str]) -> list[str]:
    """List the config files that Snakemake takes from its arguments: all after the option, up to the next one."""
    files: list[str] = []
    taking = False
    for argument in arguments:
        option, _, value = argument.partition("=")
        if argument.startswith("-"):
            taking = argument in _OPTIONS
            # Of several such options the last counts.
            files = ([value] if value else []) if option in _OPTIONS else files
        elif taking:
            files.append(argument)
    return files
