"""A comparison's table: how much work a row is, what was measured, and how it is written in Markdown."""

import math
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much work each row is.

    Attributes
    ----------
    images : int
        Of a network's rows, for each core; twice as many of `small_network`.
    decoded : int
        Of decoding and of frozen stages.
    cuda_images, cuda_points : int
        Of the rows on a GPU.
    """

    encoders: int
    vectors: int
    components: int
    last_k: int
    images: int
    networks: tuple[str, ...]
    decoded: int
    maps: int
    side: int
    pool: int
    labelled: int
    curves: int
    cuda_images: int
    cuda_points: int


SMALL = Sizes(4, 1000, 50, 25, 64, ("resnet50", "mobilenet_v2"), 256, 150, 128, 5000, 320, 200, 2048, 5000)
FULL = Sizes(4, 1000, 50, 50, 192, ("resnet50", "mobilenet_v2"), 640, 300, 128, 5000, 320, 1000, 8192, 12_568)
TINY = Sizes(1, 100, 5, 4, 2, ("resnet18",), 4, 4, 64, 100, 10, 5, 8, 200)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    work, peer : str
        What was done, and by whom else.
    ours, theirs : list of float or None
        Seconds of all turns; without them `why_not` says why.
    limit : float or None
        What the ratio is to be at most.
    """

    work: str
    peer: str
    ours: list[float]
    theirs: list[float] | None
    limit: float | None = None
    why_not: str = "not installed"

    @property
    def ratio(self) -> float | None:
        """Our median over theirs."""
        return statistics.median(self.ours) / statistics.median(self.theirs) if self.ours and self.theirs else None


HEAD = "| work | peer | nearlabel median | peer median | ratio | limit |\n| --- | --- | ---: | ---: | ---: | ---: |"


def write_seconds(seconds: float) -> str:
    """Three digits and a unit that suits."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.{max(0, 2 - int(math.log10(seconds * factor)))}f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def write_row(row: Row) -> str:
    """The row in Markdown, a ratio above its limit in bold."""
    ratio, limit = row.ratio, row.limit
    over = "**" if ratio and limit and ratio > limit else ""
    cells = [
        row.work,
        row.peer,
        write_seconds(statistics.median(row.ours)) if row.ours else "–",
        write_seconds(statistics.median(row.theirs)) if row.theirs else row.why_not,
        f"{over}{ratio:.2f}{over}" if ratio else "–",
        f"{limit:.2f}" if limit else "–",
    ]
    return f"| {' | '.join(cells)} |"
