"""The page itself, and the page that asks for the token: one HTML file each, with its own policy."""

from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nearlabel.labelling.page.writing import SHARED, as_json, policy_hash
from nearlabel.sources import data_path

TEMPLATES = data_path(__file__, "../templates")

# In this order: a file declares what a later one uses.
_SCRIPTS = ("text", "queue", "stage", "map", "grid", "panel", "events", "dialogs", "live", "answers", "export", "main")


class Page(NamedTuple):
    """A page as it is sent.

    Attributes
    ----------
    html, policy : str
        The policy is its Content-Security-Policy.
    """

    html: str
    policy: str


def make_page(data: dict) -> Page:
    """Make the page to review on.

    Parameters
    ----------
    data : dict
        What JSON can hold: what the page knows when it opens.
    """
    files = [SHARED, *(TEMPLATES / f"review_{name}.js" for name in _SCRIPTS)]
    return _make("review.html", [file.read_text(encoding="utf-8") for file in files], data)


def make_entrance() -> Page:
    """Make the page that asks for the token."""
    return _make("entrance.html", [(TEMPLATES / "entrance.js").read_text(encoding="utf-8")], {})


def _make(template: str, scripts: list[str], data: dict) -> Page:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    style = (TEMPLATES / "review.css").read_text(encoding="utf-8")
    script = f'"use strict";\n(() => {{\n{"".join(scripts)}}})();\n'
    html = environment.get_template(template).render(
        style=Markup(style), script=Markup(script), data=Markup(as_json(data))
    )
    policy = (
        f"default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'sha256-{policy_hash(style)}'; "
        f"script-src 'sha256-{policy_hash(script)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html, policy)
