"""The study's tables, as a reader sees them."""

import pandas as pd


def choices_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Lay out the choices, a line for each set.

    Parameters
    ----------
    rows : DataFrame
        What `choices.judge_set` gave, of all sets.

    Returns
    -------
    DataFrame
        set, images, classes, structure, and for each criterion the AMI of its choice with encoder, algorithm and k; a
        star where it is no better than chance.
    """
    by = ["set", "images", "classes", "structure"]
    lines = []
    for names, group in rows.groupby(by, sort=False):
        line = dict(zip(by, names, strict=True))
        for row in group.itertuples():
            star = "*" if row.ami <= row.chance else ""
            line[row.criterion] = f"{row.ami:.3f}{star} ({row.encoder}, {row.algorithm}, {row.k})"
        lines.append(line)
    return pd.DataFrame(lines)


def markdown(frame: pd.DataFrame) -> str:
    """Write a table in Markdown: numbers with a fraction to three digits."""
    cells = [[f"{value:.3f}" if isinstance(value, float) else str(value) for value in row] for row in frame.to_numpy()]
    lines = [list(frame.columns), ["---"] * len(frame.columns), *cells]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
