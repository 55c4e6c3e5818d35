"""Names in letters that the figures' own font lacks."""

import logging

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure

from nearlabel.report.base import fonts
from nearlabel.report.base.figures import STYLE, save_figure
from nearlabel.report.base.fonts import code_of, draw_name, explain_codes

SCRATCH, WORN = "划痕", "दरार"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Makes fonts of black squares the only ones that are installed: name → letters."""

    def install(**letters):
        files = [make_font(tmp_path / f"{name}.ttf", name, text) for name, text in letters.items()]
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [tmp_path / "no font.ttf", *files])
        (tmp_path / "no font.ttf").write_bytes(b"OTTO and nothing more")

    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    cached = (fonts._installed, fonts._families, fonts._letters, fonts._read_letters, fonts._warn)
    for function in cached:
        function.cache_clear()
    yield install
    for function in cached:
        function.cache_clear()


def make_font(path, family, letters):
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap(dict.fromkeys(map(ord, letters), "square"))
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder.setupGlyf({".notdef": square, "square": square})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


def draw(stem, *names):
    with rc_context(STYLE):
        figure = Figure(figsize=(4, 2), layout="constrained")
        axis = figure.subplots()
        axis.set_title(" ".join(draw_name(name, 20) for name in names))
        axis.set_yticks([0.2, 0.8], [draw_name(name, 20) for name in names[:2]])
        save_figure(figure, stem)
    return axis


@pytest.mark.filterwarnings("error")
def test_installed_fonts_are_tried_in_turn(installed, tmp_path, caplog):
    installed(Other="ab", Indian=WORN, Chinese=SCRATCH)
    assert draw_name(SCRATCH, 20) == SCRATCH and draw_name(f"{SCRATCH}, {WORN} 3", 20) == f"{SCRATCH}, {WORN} 3"
    assert explain_codes([SCRATCH, WORN, "good"]) == {}
    axis = draw(tmp_path / "figure", SCRATCH, WORN)
    assert not caplog.records
    assert set(axis.title.get_fontfamily()) == {"DejaVu Sans", "Indian", "Chinese"}
    ticks = [text.get_fontfamily() for text in axis.get_yticklabels()]
    assert ticks == [["DejaVu Sans", "Chinese"], ["DejaVu Sans", "Indian"]]
    assert axis.get_xticklabels()[0].get_fontfamily() == ["DejaVu Sans"]


@pytest.mark.filterwarnings("error")
def test_a_name_that_no_font_has_is_a_code_with_its_key(installed, tmp_path, caplog):
    installed(Chinese=SCRATCH)
    mixed = f"{SCRATCH} {WORN}"
    with caplog.at_level(logging.WARNING):
        draw(tmp_path / "figure", mixed, "good", WORN)
        draw(tmp_path / "again", mixed, "good", WORN)
    assert (tmp_path / "figure.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
    assert explain_codes([WORN, "good", "", SCRATCH, mixed]) == {WORN: code_of(WORN), mixed: code_of(mixed)}
    assert code_of(WORN) == draw_name(WORN, 3) == "#799e"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2 and all("no installed font has" in text for text in told)
    assert any(f"figures show #799e instead of {WORN!r}" in text for text in told)


@pytest.mark.parametrize("name", ["good", "Kratzer, weiß", "Ωλ", "дефект", "", "a\nb", "\udcff"])
def test_names_that_the_figures_own_font_has_look_for_no_other(name, monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: pytest.fail("fonts were looked for"))
    fonts._families.cache_clear()
    fonts._installed.cache_clear()
    assert draw_name(name, 20) == fonts.shorten(name, 20)
