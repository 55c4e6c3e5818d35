"""Made-up images with what a bundle would say of them, for what only stores or shows it."""

import hashlib
import io
import math

import numpy as np
from PIL import Image

from nearlabel.production.database.recording import Arrival, Recorded
from nearlabel.production.labelled import Labelled, Neighbor, Prepared


def prepared(path: str, content: bytes | None = None, brightness: float = 0.5) -> Prepared:
    """An image whose content is, unless it is given, its path."""
    content = path.encode() if content is None else content
    thumbnail = io.BytesIO()
    Image.new("L", (8, 8), len(content) % 256).save(thumbnail, "WEBP")
    return Prepared(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        width=8,
        height=8,
        mode="L",
        bytes=len(content),
        brightness=brightness,
        contrast=0.1,
        thumbnail=thumbnail.getvalue(),
        placed={},
    )


def labelled(image: Prepared, *, label: str = "good", novel: bool = False, p_value: float = 0.8) -> Labelled:
    """What a bundle might say; without a label the p-values are NaN."""
    return Labelled(
        sha256=image.sha256,
        lineage=() if novel else ("root.0", "root.0.1"),
        group="" if novel else "plain",
        label="" if novel else label,
        label_by="model" if label and not novel else "",
        p_value=p_value if label else math.nan,
        confidence=0.95 if label else math.nan,
        label_set=(label,) if label else (),
        novelty=2.0 if novel else 0.5,
        novelty_p=0.001 if novel else 0.5,
        normal_percentile=100.0 if novel else 50.0,
        novel=novel,
        neighbors=(Neighbor("good/1.png", 0.25, "good", "root.0.1"),),
        place=(math.nan, math.nan) if novel else (1.0, -2.0),
        vector=np.array([0.5, -1.5], np.float32),
    )


def recorded(path: str, label_id: int, content: bytes | None = None, **said) -> Recorded:
    """A file with its label, ready for `nearlabel.production.database.recording.record_batch`."""
    image = prepared(path, content)
    return Recorded(Arrival(path, 1_000, image.bytes, "left", path), image, labelled(image, **said), label_id)
