"""Data of an explorer, made up: pictures that all differ, islands on maps."""

from pathlib import Path

import numpy as np
from PIL import Image

from nearlabel.report.explorer.data import Column, ExplorerData, MapView, NodeView, Thumbnails
from nearlabel.report.explorer.writing import write_explorer

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c564b", "#999933")


def draw_sheets(folder: Path, count: int, side: int = 16, columns: int = 4, rows: int = 3) -> Thumbnails:
    """Sheets of thumbnails, lossless, each cell with noise of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = columns * rows
    files = []
    for number in range(-(-count // cells)):
        sheet = np.zeros((rows * side, columns * side, 3), dtype=np.uint8)
        for cell in range(min(cells, count - number * cells)):
            y, x = divmod(cell, columns)
            pixels = np.random.default_rng([number * cells + cell, 7]).integers(0, 256, (side, side, 3), dtype=np.uint8)
            sheet[y * side : (y + 1) * side, x * side : (x + 1) * side] = pixels
        files.append(folder / f"{number}.webp")
        Image.fromarray(sheet).save(files[-1], lossless=True)
    return Thumbnails(side, columns, rows, tuple(files))


def cell_of(thumbnails: Thumbnails, position: int) -> np.ndarray:
    """The pixels that the image at a position has in its sheet, RGB."""
    sheet, cell = divmod(position, thumbnails.columns * thumbnails.rows)
    y, x = divmod(cell, thumbnails.columns)
    side = thumbnails.side
    pixels = np.asarray(Image.open(thumbnails.files[sheet]).convert("RGB")).astype(int)
    return pixels[y * side : (y + 1) * side, x * side : (x + 1) * side]


def colors_of(count: int) -> tuple[str, ...]:
    return tuple(COLORS[i % len(COLORS)] for i in range(count))


def category(key: str, values, names, title: str = "") -> Column:
    """A column of categories with colours of the test's own."""
    names = tuple(names)
    return Column(key, title or key.replace("_", " "), np.asarray(values, dtype=np.int32), names, colors_of(len(names)))


def make_node(
    name: str, members, clusters: int = 3, seed: int = 0, columns=(), k: int = 5, title: str = ""
) -> NodeView:
    """A node whose clusters are islands on both of its maps; neighbours are those of the first map."""
    rng = np.random.default_rng(seed)
    size = len(members)
    labels = np.sort(rng.integers(0, clusters, size))
    labels[: min(size, clusters)] = np.arange(min(size, clusters))
    angle = 2 * np.pi * labels / clusters
    middle = 4 * np.c_[np.cos(angle), np.sin(angle)]
    pca, tsne = (middle + rng.normal(0, spread, (size, 2)) for spread in (1.0, 0.6))
    neighbors = np.full((size, k), -1, dtype=np.int32)
    if size <= 5000:
        distances = np.linalg.norm(pca[:, None] - pca[None], axis=2)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, 1 : k + 1]
        neighbors[:, : nearest.shape[1]] = nearest
    else:
        neighbors[:] = rng.integers(0, size, (size, k))
    prototypes = np.array([np.flatnonzero(labels == c)[0] if (labels == c).any() else 0 for c in range(clusters)])
    return NodeView(
        name,
        title,
        np.asarray(members, dtype=np.int32),
        (
            MapView("pca", "PCA", pca.astype(np.float32), "PCA: 41 % of the variance, trustworthiness 0.81."),
            MapView("tsne", "t-SNE", tsne.astype(np.float32), "t-SNE, perplexity 30: trustworthiness 0.97."),
        ),
        (
            category("cluster", labels, [f"cluster {c}" for c in range(clusters)]),
            category("nearest_prototype", labels, [f"cluster {c}" for c in range(clusters)]),
            Column("silhouette", "Silhouette", rng.uniform(-0.2, 0.8, size).astype(np.float32)),
        ),
        neighbors,
        prototypes.astype(np.int32),
    )


def make_data(folder: Path, count: int = 60, ids=None, **changes) -> ExplorerData:
    """Data of `count` images in a root and a node of every third image."""
    ids = tuple(ids if ids is not None else (f"line {i % 3}/image_{i:03}.png" for i in range(count)))
    count = len(ids)
    rng = np.random.default_rng(1)
    score = rng.uniform(0, 1, count).astype(np.float32)
    score[::7] = np.nan
    nodes = [make_node("root", np.arange(count), 3, 0)]
    if count > 8:
        nodes.append(make_node("root.1", np.arange(0, count, 3)[::-1], 2, 1, title="scratched"))
    parts = {
        "run": "tiles",
        "dataset": "plant",
        "image_ids": ids,
        "files": tuple(f"../../images/{name}" for name in ids),
        "thumbnails": draw_sheets(folder / "sheets", count),
        "columns": (
            category("near_label", rng.integers(-1, 2, count), ["good", "defect"], "Near-label"),
            Column("score", "Novelty", score, note="How far it lies from the good ones."),
        ),
        "nodes": tuple(nodes),
    }
    return ExplorerData(**parts | changes)


def write_page(place: Path, data: ExplorerData | None = None, **changes) -> Path:
    """Write a page, of made-up data if of no other."""
    write_explorer(place / "explorer.html", data or make_data(place), **changes)
    return place / "explorer.html"
