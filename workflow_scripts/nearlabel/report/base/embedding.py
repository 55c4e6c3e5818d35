"""Pictures inside the page."""

import base64
from pathlib import Path

from markupsafe import Markup


def embed_file(path) -> Markup:
    """Return a picture file as a data URI."""
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
    data = base64.b64encode(Path(path).read_bytes()).decode()
    return Markup("data:{};base64,{}").format(kinds[Path(path).suffix], Markup(data))
