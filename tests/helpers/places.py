"""Where things are."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "workflow_scripts/nearlabel"
MAGNETIC_TILE = REPOSITORY.parent / "shared/data/magnetic_tile"
