"""Splitting a data set into folds: stratified by class or uniformly, near-duplicates kept together."""

import logging

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake
from nearlabel.images.duplicates import Hashes, group_images
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)


# One fold tests, one validates, one at least is the pool.
MIN_FOLDS = 3
LABEL_MORE = "label more images"
NONE = "write duplicate_distance: none if they are not the same thing"


def split_folds(
    images: pd.DataFrame,
    near_labels: pd.DataFrame,
    hashes: Hashes,
    *,
    positive: str | int,
    folds: int,
    distance: int | None,
    seed: int,
    stratified: bool = True,
) -> pd.DataFrame:
    """Split the labelled images of a data set into folds.

    Images without a near-label are left out: nothing could be learnt from them or tested on them.

    Parameters
    ----------
    images : DataFrame
        ``images.csv``: image_id, part, sha256 are used.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label; the same images.
    hashes : Hashes
        Perceptual hashes, rows as in `images`.
    positive : str or int
        The near-label that counts as defective; every other one counts as good.
    folds : int
        How many, at least 3.
    distance : int or None
        As for `nearlabel.images.duplicates.groups.group_images`, whose groups stay in one fold.
    seed : int
        Of the order in which like groups are dealt out.
    stratified : bool
        Of `assign_folds`.

    Returns
    -------
    DataFrame
        ``folds.csv``, rows as in `images`: image_id, fold (from 0), duplicate_of (the first image of its group of
        near-duplicates; empty for the first one itself, and for an image that stands alone).

    Raises
    ------
    ValueError
        ``near_labels.csv`` is of other images; no image has the near-label, or all have; a group is larger than a
        fold; as for `assign_folds`.
    """
    images = images.reset_index(drop=True)
    if sorted(images["image_id"]) != sorted(near_labels["image_id"]):
        remake = how_to_remake("check_images")
        raise ValueError(f"near_labels.csv and images.csv are of different images; {remake}")
    labels = images["image_id"].map(near_labels.set_index("image_id")["near_label"]).fillna("").astype(str)
    labelled = labels != ""
    if not labelled.all():
        left_out = images.loc[~labelled, "image_id"]
        logger.warning("%d images without near-label are left out, the first is %r", len(left_out), left_out.iloc[0])
    images, labels = images[labelled].reset_index(drop=True), labels[labelled]
    hashes = hashes.of(labelled.to_numpy())
    defective = (labels == str(positive)).to_numpy()
    if defective.all() or not defective.any():
        counts = ", ".join(f"{label!r} ({count})" for label, count in labels.value_counts().sort_index().items())
        raise ValueError(
            f"{'all' if len(labels) and defective.all() else 'none'} of the {len(labels)} labelled images are positive "
            f"(near-label {str(positive)!r}); near-labels are {counts or 'missing'}, and both classes are needed"
        )
    groups = group_images(images, hashes, distance)
    _report_groups(images["image_id"], defective, groups, hashes.flat, distance)
    if folds >= MIN_FOLDS:
        _require_small_groups(images, defective, groups, folds, distance, seed, stratified)
    try:
        fold = assign_folds(defective, groups, folds, seed, stratified=stratified)
    except ValueError as error:
        alike = len(np.unique(groups)) < len(np.unique(group_images(images)))
        way_out = f"; duplicate_distance {distance} joins images that look alike: {NONE}" if alike else ""
        raise ValueError(f"{error}{way_out}") from None
    for number in range(folds):
        inside = fold == number
        logger.info("fold %d: %d images, %d positive", number, inside.sum(), defective[inside].sum())
    firsts = images["image_id"].iloc[groups].reset_index(drop=True)
    duplicate_of = firsts.mask(groups == np.arange(len(groups)), "")
    return pd.DataFrame({"image_id": images["image_id"], "fold": fold, "duplicate_of": duplicate_of})


def assign_folds(
    positive: np.ndarray, groups: np.ndarray, folds: int, seed: int, *, stratified: bool = True
) -> np.ndarray:
    """Deal whole groups out to folds so that all have about as many images and, if stratified, as many positives.

    The largest group first (by positives, then by images; like groups in random order), each to the fold that has
    fewest of its class. Positives of two folds differ by at most those of the largest group, and so do the negatives
    when no group holds both; with groups of one image the folds are those of a stratified k-fold. Compared with
    scikit-learn's ``StratifiedGroupKFold``, which weighs every fold for every group, folds are as even or more so
    and 100,000 images take half a second instead of a minute.

    A stratified fold gives away how common positives are. Not stratified, groups come in random order, each to the fold
    that has fewest images: with groups of one image every fold is a uniform draw of the data set.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
        Which images are positive.
    groups : array_like of int, shape (n,)
        Number of each image's group.
    folds : int
        How many, at least 3.
    seed : int
        Of the order of like groups; not stratified, of all.
    stratified : bool
        Whether folds shall have like shares of positives.

    Returns
    -------
    ndarray of int64, shape (n,)
        Fold of each image, from 0.

    Raises
    ------
    ValueError
        Fewer than 3 folds; too few groups of a class, a group larger than a fold, or a fold with one class. The text
        says the largest possible number of folds.
    """
    if folds < MIN_FOLDS:
        raise ValueError(
            f"folds is {folds}; at least {MIN_FOLDS} are needed: one tests, one validates, one is the pool"
        )
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number)
    positives = np.bincount(number, weights=positive).astype(np.int64)
    fold_of, problem = _deal(sizes, positives, folds, seed, stratified)
    if problem:
        raise ValueError(f"{problem}; {_advise(sizes, positives, folds, seed, stratified)}")
    return fold_of[number]


def _deal(sizes: np.ndarray, positives: np.ndarray, folds: int, seed: int, stratified: bool) -> tuple[np.ndarray, str]:
    """Give each group a fold; also say what is wrong with the folds, or nothing."""
    order = np.random.default_rng(derive_seed(seed, "folds/order")).permutation(len(sizes))
    if stratified:
        order = order[np.lexsort((-sizes[order], -positives[order]))]
    total, defective = [0] * folds, [0] * folds
    fold_of = np.empty(len(sizes), np.int64)
    for group in order:
        if not stratified:
            fold = min(range(folds), key=total.__getitem__)
        elif positives[group]:
            fold = min(range(folds), key=lambda i: (defective[i], total[i]))
        else:
            fold = min(range(folds), key=lambda i: (total[i] - defective[i], total[i]))
        fold_of[group] = fold
        total[fold] += int(sizes[group])
        defective[fold] += int(positives[group])
    for name, counts in (("positive", positives), ("negative", sizes - positives)):
        holding = np.count_nonzero(counts)
        if holding < folds:
            return fold_of, (
                f"{folds} folds need {folds} {name} images that are not near-duplicates of each other, and there are "
                f"{holding}"
            )
    limit = -(-int(sizes.sum()) // folds)
    if sizes.max() > limit:
        return fold_of, f"a group of {sizes.max()} near-duplicates is larger than one of {folds} folds ({limit} images)"
    for fold in range(folds):
        if defective[fold] in (0, total[fold]):
            cause = "near-duplicates stay together" if stratified else "folds are drawn whatever the class"
            return fold_of, f"fold {fold} of {folds} has one class only, since {cause}"
    return fold_of, ""


def _advise(sizes: np.ndarray, positives: np.ndarray, folds: int, seed: int, stratified: bool) -> str:
    for fewer in range(min(folds - 1, len(sizes)), MIN_FOLDS - 1, -1):
        if not _deal(sizes, positives, fewer, seed, stratified)[1]:
            return f"the largest possible number of folds is {fewer}"
    return f"not even {MIN_FOLDS} folds are possible (test, validation, pool): {LABEL_MORE}"


def _require_small_groups(
    images, positive, groups, folds: int, distance: int | None, seed: int, stratified: bool
) -> None:
    limit = -(-len(groups) // folds)
    sizes = np.bincount(groups)
    if sizes.max() <= limit:
        return
    without_hashes = np.bincount(group_images(images))
    if without_hashes.max() > limit:
        first = images.iloc[without_hashes.argmax()]
        cause = f"part {first['part']!r}" if first["part"] else "equal files"
        size, cure = without_hashes.max(), "images of one part and equal files stay together"
    else:
        first, size = images.iloc[sizes.argmax()], sizes.max()
        cause, cure = f"duplicate_distance {distance}", NONE
    number = np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(number), np.bincount(number, weights=positive).astype(np.int64)
    advice = _advise(*counts, folds, seed, stratified)
    if cure is NONE and LABEL_MORE in advice:
        advice = "fewer folds do not help"
    raise ValueError(
        f"a group of {size} near-duplicates (by {cause}; the first is {first['image_id']!r}) is larger than one of "
        f"{folds} folds ({limit} images): {cure}; {advice}"
    )


def _report_groups(image_ids, positive, groups, flat, distance: int | None) -> None:
    sizes = np.bincount(groups)
    of_size = pd.Series(sizes[sizes > 1]).value_counts().sort_index()
    logger.info(
        "%d images, %d positive; at duplicate_distance %s they form %d groups, %d of them of more than one image (%s)",
        len(groups),
        positive.sum(),
        "none" if distance is None else distance,
        np.count_nonzero(sizes),
        of_size.sum(),
        ", ".join(f"{count} of {size}" for size, count in of_size.items()) or "none",
    )
    positives = np.bincount(groups, weights=positive)
    mixed = np.flatnonzero((positives > 0) & (positives < sizes))
    if len(mixed):
        logger.warning(
            "%d groups of near-duplicates hold both classes, the first is that of %r", len(mixed), image_ids[mixed[0]]
        )
    if distance is not None and flat.any():
        logger.warning(
            "%d images show one grey throughout, for example %r; only part and sha256 say whether they are duplicates",
            flat.sum(),
            image_ids[flat.argmax()],
        )
