"""What the page shows beside a node's winner: candidates with their faces, and what other criteria would have taken."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from nearlabel.grouping.scores.limits import LARGEST_SHARE
from nearlabel.report.base.embedding import embed_file
from nearlabel.report.grouping.wording import CRITERION_NAMES


def view_candidates(
    index: pd.DataFrame, folder: Path, node: str, scores: dict[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """Arrange the candidates of a node.

    Parameters
    ----------
    index : DataFrame
        From `nearlabel.report.grouping.pictures.candidates.draw_candidates`.
    folder : Path
        Where it drew the strips.
    node : str
        Name of the node.
    scores : dict of str to DataFrame
        ``scores.csv`` by encoder.

    Returns
    -------
    list of dict
        encoder, algorithm, k, reason; ami (None without near-labels); warning, of a group that holds nearly all
        images; strips; rest, what is not shown; choice, the lines for the configuration.
    """
    views = []
    for _, rows in index.groupby("candidate"):
        first = rows.iloc[0]
        place = {"encoder": str(first["encoder"]), "algorithm": str(first["algorithm"]), "k": int(first["k"])}
        strips = [_view_strip(own, folder, int(first["images"])) for _, own in rows.groupby("cluster")]
        largest = strips[0]["share"]
        views.append(
            {
                **place,
                "reason": first["reason"],
                "ami": ami_of(scores, place),
                "warning": f"One group holds {100 * largest:.1f} % of the images" if largest > LARGEST_SHARE else "",
                "strips": strips,
                "rest": _describe_rest(first, strips),
                "choice": choice_lines(node, place),
            }
        )
    return views


def view_others(selection: dict[str, Any], scores: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Arrange what each other criterion would have chosen: criterion in words, the clustering, its AMI, if the same."""
    own = {key: selection[key] for key in ("encoder", "algorithm", "k")}
    return [
        {
            **place,
            "criterion": CRITERION_NAMES.get(criterion, criterion),
            "ami": ami_of(scores, place),
            "same": {key: place[key] for key in own} == own,
        }
        for criterion, place in (selection.get("others") or {}).items()
    ]


def ami_of(scores: dict[str, pd.DataFrame], place: dict[str, Any]) -> float | None:
    """Return a clustering's AMI with the near-labels; None where there is none."""
    frame = scores.get(place["encoder"])
    if frame is None or "ami" not in frame:
        return None
    own = frame.loc[(frame["algorithm"] == place["algorithm"]) & (frame["k"] == place["k"]), "ami"].dropna()
    return float(own.iloc[0]) if len(own) else None


def choice_lines(node: str, place: dict[str, Any]) -> str:
    """Return the lines of the configuration that choose a clustering by hand."""
    chosen = yaml.safe_dump(place, default_flow_style=True, sort_keys=False, width=10_000).strip()
    return f"choose:\n  {node}: {chosen}\n"


def _view_strip(rows: pd.DataFrame, folder: Path, images: int) -> dict[str, Any]:
    rows = rows.sort_values("position")
    first = rows.iloc[0]
    return {
        "cluster": int(first["cluster"]),
        "size": int(first["size"]),
        "share": first["size"] / images,
        "picture": embed_file(folder / first["file"]),
        "faces": rows[["image_id", "problem"]].to_dict("records"),
    }


def _describe_rest(first: pd.Series, strips: list[dict[str, Any]]) -> str:
    more = int(first["clusters"]) - len(strips)
    if not more:
        return ""
    images = int(first["images"]) - sum(strip["size"] for strip in strips)
    return f"and {more} more, with {images} image{'s' if images > 1 else ''}{' together' if more > 1 else ''}"
