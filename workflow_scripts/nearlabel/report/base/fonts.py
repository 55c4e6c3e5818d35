"""Fonts of the figures: what the figures' own font lacks comes from fonts that are installed, or is named by a code.

The figures' font, DejaVu Sans, comes with matplotlib and has no Chinese, Japanese, Korean or Indian letters.
"""

import hashlib
import logging
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from nearlabel.report.base.text import shorten, visible

logger = logging.getLogger(__name__)

FONT = "DejaVu Sans"
# Looked into first, in this order, by a part of the file's name: a face of many scripts, then each system's own.
_FIRST = (
    "NotoSansCJK-Regular", "NotoSansCJK", "SourceHanSans-Regular", "NotoSans-Regular", "NotoSans", "wqy-microhei",
    "wqy-zenhei", "DroidSansFallback", "msyh", "YuGothR", "malgun", "simsun", "PingFang", "Hiragino", "AppleSDGothic",
    "ArialUnicode", "Nirmala", "Unifont",
)  # fmt: skip


def draw_name(name: str, length: int) -> str:
    """Return what stands in a figure for a name from a file.

    Parameters
    ----------
    name : str
        A near-label or a group's name.
    length : int
        Longest text; a longer one is shortened.

    Returns
    -------
    str
        The name; where no installed font has its letters `code_of` it, and the log says so once.
    """
    if not _lacking(visible(name)):
        return shorten(name, length)
    _warn(name)
    return code_of(name)


def code_of(name: str) -> str:
    """Return ``#`` and four hexadecimal digits: the same for a name in every figure, on every machine."""
    return f"#{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:4]}"


def explain_codes(names: Iterable[str]) -> dict[str, str]:
    """Return the code of each name that figures cannot show, by name; sorted."""
    return {name: code_of(name) for name in sorted(set(names)) if _lacking(visible(name))}


def fit_fonts(figure) -> None:
    """Give every text of a figure whose letters its font lacks the fonts that have them."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if families := _families(frozenset(text.get_text()) - _letters()):
            text.set_fontfamily([FONT, *families])


def _lacking(text: str) -> frozenset[str]:
    """Letters that no installed font has."""
    lacking = frozenset(text) - _letters()
    for family in _families(lacking):
        lacking -= _letters(family)
    return lacking


@cache
def _warn(name: str) -> None:
    logger.warning(
        "figures show %s instead of %r, whose letters no installed font has; install one that has them, such as Noto "
        "Sans CJK, and have the figures drawn again",
        code_of(name),
        visible(name),
    )


@cache
def _letters(family: str = FONT) -> frozenset[str]:
    """What a font that matplotlib knows has."""
    from matplotlib.font_manager import FontProperties, findfont

    return _read_letters(findfont(FontProperties(family=[family])))


@cache
def _read_letters(path: str) -> frozenset[str]:
    from matplotlib.font_manager import get_font

    return frozenset(map(chr, get_font(path).get_charmap()))


@cache
def _families(lacking: frozenset[str]) -> tuple[str, ...]:
    """Families that have what is lacking, as few as come first; those that matplotlib cannot draw are passed over."""
    if not lacking:
        return ()
    from matplotlib.font_manager import fontManager, get_font

    found = []
    for path in _installed():
        try:
            letters = _read_letters(path)
        except (OSError, RuntimeError, UnicodeDecodeError):  # Damaged, or of a kind that FreeType was built without.
            continue
        if lacking & letters:
            family = get_font(path).family_name
            if family not in {font.name for font in fontManager.ttflist}:
                fontManager.addfont(path)
            found.append(family)
            lacking = lacking - letters
        if not lacking:
            break
    return tuple(found)


@cache
def _installed() -> tuple[str, ...]:
    """Files of the fonts that are installed now; matplotlib's own list would be that of its first start."""
    from matplotlib.font_manager import findSystemFonts

    def rank(path: str) -> tuple[int, str]:
        name = Path(path).name.lower()
        return next((place for place, part in enumerate(_FIRST) if part.lower() in name), len(_FIRST)), name

    return tuple(sorted(findSystemFonts(), key=rank))
