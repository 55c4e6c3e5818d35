"""A small run with bundles."""

from typing import Any

CONFIG: dict[str, Any] = {
    "run": "tiny",
    "datasets": {
        "steel": {
            "kind": "synthetic",
            "count": 60,
            "height": 32,
            "width": 96,
            "defect_share": 0.5,
            "near_labels": {"good": "good", "default": "defect"},
        }
    },
    "features": {"weights": "seeded", "device": "cpu", "batch_size": 8, "image_size": 32},
    "grouping": {
        "datasets": ["steel"],
        "levels": [{"encoders": ["texture"], "algorithms": ["kmeans", "agglomerative"], "ks": [2, 4]}],
        "expand": ["root.0"],
        "bootstraps": 3,
    },
    "production": {"dataset": "steel", "normal": ["good"], "false_alarms": 0.2},
}
STEEL = "results/tiny/steel"
BUNDLES = f"{STEEL}/bundles"
