"""A line on the report that says it is older than what the run has asked for since."""

import os
from pathlib import Path

from nearlabel.files import written_whole

_LINE = (
    '<p role="alert" class="outdated">The last call of Snakemake failed '
    "before it came to this page, which shows what an earlier one found. The next that succeeds makes it anew.</p>"
)


def mark_outdated(page: str | Path) -> None:
    """Put the line on top of a page that `nearlabel.report.page.write_page` wrote; its time stays.

    Parameters
    ----------
    page : str or Path
        Where there is none, or where it says so already, nothing is done.
    """
    page = Path(page)
    if not page.is_file():
        return
    before, body, after = page.read_text(encoding="utf-8").partition("<body>\n")
    if not body or after.startswith(_LINE):
        return
    times = page.stat()
    with written_whole(page) as partial:
        partial.write_text(f"{before}{body}{_LINE}\n{after}", encoding="utf-8", newline="\n")
        os.utime(partial, ns=(times.st_atime_ns, times.st_mtime_ns))
