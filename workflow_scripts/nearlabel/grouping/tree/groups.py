"""Each image's lineage through the tree, the user's names for groups, and a folder sorted by group."""

import errno
import hashlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nearlabel.grouping.tree.remembered import compare, keep

logger = logging.getLogger(__name__)

# What exFAT, SMB shares and others answer when they are asked for a symbolic link.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}


def collect_groups(clusters: Mapping[str, pd.DataFrame], near_labels: pd.DataFrame) -> pd.DataFrame:
    """Follow every image from the whole data set down to its smallest group.

    Parameters
    ----------
    clusters : mapping of str to DataFrame
        Clustered node → its ``clusters.csv``.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label.

    Returns
    -------
    DataFrame
        ``groups.csv``: image_id and near_label as in that table; level0, level1, … with the node that the image's
        group is at that level (``root.1``, ``root.1.25``), empty where its node was not clustered; leaf, the deepest.
    """
    groups = near_labels[["image_id", "near_label"]].copy()
    node = pd.Series("root", index=groups.index)
    for level in range(max(name.count(".") for name in clusters) + 1):
        at_level = {name: frame for name, frame in clusters.items() if name.count(".") == level}
        below = pd.Series("", index=groups.index)
        for name, frame in at_level.items():
            inside = node == name
            number = frame.set_index("image_id")["cluster"].loc[groups.loc[inside, "image_id"]]
            below[inside] = f"{name}." + number.astype(str).to_numpy()
        groups[f"level{level}"] = below
        node = below.where(below != "", node)
    return groups.assign(leaf=node)


def name_images(groups: pd.DataFrame, names: Mapping[str, str]) -> pd.Series:
    """Say what the user calls the smallest named group that each image is in.

    Parameters
    ----------
    groups : DataFrame
        From `collect_groups`.
    names : mapping of str to str
        Node → the user's name.

    Returns
    -------
    Series of str, shape (n,)
        Empty where neither an image's group nor one above it has a name.
    """
    named = pd.Series(names.get("root", ""), index=groups.index, dtype=object)
    for _, level in groups.filter(regex=r"^level\d+$").items():
        named = level.map(names).where(level.isin(names), named)
    return named


def check_names(names: Mapping[str, str], groups: pd.DataFrame, memory: str | Path, min_overlap: float) -> None:
    """Check that every named group exists and still holds about the images that it held when it was named.

    Parameters
    ----------
    names : mapping of str to str
        Node → the user's name.
    groups : DataFrame
        From `collect_groups`.
    memory : str or Path
        Folder of memory files.
    min_overlap : float
        As for `nearlabel.grouping.tree.remembered.remember`.

    Raises
    ------
    ValueError
        A group does not exist, or has changed too much.
    """
    levels = groups.filter(regex=r"^level\d+$")
    existing = sorted(set(levels.to_numpy().ravel()) - {""}, key=lambda node: [int(n) for n in node.split(".")[1:]])
    for node, name in names.items():
        if node != "root" and node not in existing:
            shown = ", ".join(existing[:30]) + (f" and {len(existing) - 30} more" if len(existing) > 30 else "")
            raise ValueError(f"the names call {node} '{name}', but there is no such group; there are {shown}")
    memories, refused = {}, []
    for node, name in names.items():
        level = levels[f"level{node.count('.') - 1}"] if node != "root" else pd.Series("root", index=groups.index)
        beside = {other: rows.tolist() for other, rows in groups["image_id"].groupby(level) if other}
        path = Path(memory) / f"{node}.json"
        try:
            memories[path] = compare(path, node, name, beside[node], min_overlap=min_overlap, others=beside)
        except ValueError as error:
            refused.append((f"{node}, called '{name}'", error))
    if refused:
        (_, error), *more = refused
        raise ValueError(f"{error}" + (f"; likewise {'; '.join(node for node, _ in more)}" if more else ""))
    # Only when all are right: a mistake in one name must not change what is remembered of another.
    for path, compared in memories.items():
        keep(path, compared)


def sort_images(
    groups: pd.DataFrame, images: pd.DataFrame, folder: str | Path, *, copies: bool, names: Mapping[str, str]
) -> None:
    """Fill a folder with the images sorted by group, for a person with a file browser.

    ``folder/root.1 scratches/root.1.25/MT_Blowhole__Imgs__1.jpg``: a folder for each group on the way, with the user's
    name after the node; an image's file name is its id with ``__`` for each slash.

    Parameters
    ----------
    groups : DataFrame
        From `collect_groups`.
    images : DataFrame
        ``images.csv``: image_id, path.
    folder : str or Path
        Made new; must not exist or be empty.
    copies : bool
        Copy the files; otherwise symbolic links to where they lie, copies where the file system has no links.
    names : mapping of str to str
        Node → the user's name.

    Raises
    ------
    FileNotFoundError
        An image to copy is gone.
    """
    folder = Path(folder)
    path_of = images.set_index("image_id")["path"]
    levels = groups.filter(regex=r"^level\d+$")
    taken: set[Path] = set()
    for row, image_id in zip(levels.itertuples(index=False), groups["image_id"], strict=True):
        place = folder.joinpath(*(_folder_name(node, names.get(node, "")) for node in row if node))
        place.mkdir(parents=True, exist_ok=True)
        target = place / _file_name(image_id)
        # Some file systems know no case.
        if Path(str(target).casefold()) in taken:
            # Another id that differs in slashes or case only, or in what had to be cut.
            target = (
                place / f"{hashlib.sha256(image_id.encode('utf-8', 'surrogateescape')).hexdigest()[:8]} {target.name}"
            )
        taken.add(Path(str(target).casefold()))
        source = Path(path_of.loc[image_id]).absolute()
        copies = copies or not _link(target, source)
        if copies:
            shutil.copyfile(source, target)


def _link(target: Path, source: Path) -> bool:
    try:
        target.symlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        logger.warning(
            "%s cannot hold symbolic links: images are copied, as with grouping.groups: copies", target.parent
        )
        return False
    return True


def _folder_name(node: str, name: str) -> str:
    # A name may hold what a file system takes for its own.
    readable = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in name)
    while len(readable.encode("utf-8", "surrogateescape")) > 100:
        readable = readable[:-1]
    readable = readable.rstrip(" .")
    return f"{node} {readable}".rstrip()


def _file_name(image_id: str, limit: int = 200) -> str:
    name = image_id.replace("/", "__")
    # File systems allow 255 bytes.
    while len(name.encode("utf-8", "surrogateescape")) > limit:
        name = name[1:]
    return name
