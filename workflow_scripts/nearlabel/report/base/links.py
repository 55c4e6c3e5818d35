"""Links from a page to files."""

import os
from pathlib import Path
from urllib.parse import quote


def link_to(path: str | Path, page_folder: str | Path) -> str:
    """Return the address of a file as a page names it: relative to the page where the path is relative.

    A folder that is moved as a whole keeps its links; every character that an address may not have is escaped.

    Parameters
    ----------
    path : str or Path
        The file; where it is relative, to the working directory.
    page_folder : str or Path
        The folder of the page.
    """
    if os.path.isabs(path):
        return "file://" + quote(os.fsencode(os.path.normpath(path)))
    # "./" keeps a name like "javascript:x" a name.
    return quote(os.fsencode(os.path.join(os.curdir, os.path.relpath(path, page_folder))))
