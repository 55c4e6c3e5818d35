"""Names that mean the same although they are not written the same: columns, in any case and spacing."""

import re
import unicodedata
from collections.abc import Sequence


def find_column(header: Sequence[str], column: str) -> list[int]:
    """Return the positions of a column: those of its exact name, else those of names that mean it.

    Parameters
    ----------
    header : sequence of str
        Names of columns.
    column : str
        The column that is wanted.

    Returns
    -------
    list of int
        More than one where the name is there more than once.
    """
    exact = [i for i, name in enumerate(header) if name == column]
    return exact or [i for i, name in enumerate(header) if name and _key(name) == _key(column)]


def _key(name: str) -> str:
    text = unicodedata.normalize("NFC", name).strip("\ufeff \t\"'").casefold()
    return re.sub(r"[\s_-]+", "_", text)
