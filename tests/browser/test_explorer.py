"""The explorer: what is seen, that a thumbnail is that of its image, and selections by mouse and by keys."""

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from helpers.explorer_data import category, cell_of, make_data, make_node
from helpers.label_pages import set_size
from nearlabel.report.explorer.data import Column

RNG = np.random.default_rng(3)


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path)


def check_hovers(page, data, node, view, rows, places=None):
    """Point at these rows; each time its card has the pixels that Python finds for the image's id."""
    places = page.places(data, node, view) if places is None else places
    for row in rows:
        found = page.hover(*places[row])
        assert found == row or np.linalg.norm(places[found] - places[row]) < 0.2
        name = page.text("#cardName")
        position = data.image_ids.index(name)
        assert position == data.nodes[node].members[found]
        np.testing.assert_array_equal(page.pixels("#cardPicture"), cell_of(data.thumbnails, position))


def test_a_hundred_thumbnails_are_those_of_their_images(open_explorer, data):
    page = open_explorer(data)
    root = data.nodes[0]
    check_hovers(page, data, 0, 0, RNG.choice(60, 20, replace=False))
    # Another colour, on another map.
    page.choose("#colorBy", "score")
    page.click("[data-map=tsne]")
    page.wait("return document.body.dataset.ready === 'root/tsne'")
    check_hovers(page, data, 0, 1, RNG.choice(60, 20, replace=False))
    # A category hidden; those of it are not found.
    page.choose("#colorBy", "cluster")
    page.click("[data-category='0']")
    values = root.columns[0].values
    assert page.shown == (values != 0).sum()
    check_hovers(page, data, 0, 1, RNG.choice(np.flatnonzero(values != 0), 20, replace=False))
    places = page.places(data, 0, 1)
    far = [r for r in np.flatnonzero(values == 0) if np.linalg.norm(places[values != 0] - places[r], axis=1).min() > 20]
    assert far and {page.hover(*places[row]) for row in far} == {-1}
    # Isolated, and selected.
    page.click("[aria-label='Only cluster 1']")
    assert page.shown == (values == 1).sum()
    page.press("a")
    check_hovers(page, data, 0, 1, RNG.choice(np.flatnonzero(values == 1), 20, replace=False))
    # Another node, whose rows are other images.
    page.choose("#node", "root.1")
    assert page.shown == len(data.nodes[1].members)
    check_hovers(page, data, 1, 1, RNG.choice(len(data.nodes[1].members), 20, replace=False))


def test_the_selection_grid_and_the_image_have_the_same_pixels(open_explorer, data):
    page = open_explorer(data)
    page.press("a")
    page.wait("return document.querySelector('#grid canvas').dataset.shown")
    shown = page.js("return [...document.querySelectorAll('#grid .cell')].map((c) => Number(c.dataset.row))")
    for row in shown[:6]:
        page.wait("return document.querySelector(arguments[0]).dataset.shown", f"#grid .cell[data-row='{row}'] canvas")
        seen = page.pixels(f"#grid .cell[data-row='{row}'] canvas")
        np.testing.assert_array_equal(seen, cell_of(data.thumbnails, data.nodes[0].members[row]))
    page.js("document.querySelector(\"#grid .cell[data-row='3']\").click()")
    page.wait("return document.getElementById('imagePicture').dataset.shown === '3'")
    np.testing.assert_array_equal(page.pixels("#imagePicture"), cell_of(data.thumbnails, 3))
    # Its neighbours, nearest first; a click goes on to one.
    near = page.js("return [...document.querySelectorAll('#imageNear button')].map((b) => Number(b.dataset.row))")
    assert near == data.nodes[0].neighbors[3].tolist()
    page.click(f"#imageNear button[data-row='{near[1]}']")
    assert page.text("#imageName") == data.image_ids[near[1]]
    page.wait("return document.getElementById('imagePicture').dataset.shown === arguments[0]", str(near[1]))
    np.testing.assert_array_equal(page.pixels("#imagePicture"), cell_of(data.thumbnails, near[1]))
    page.click("#imageBack")
    assert page.text("#imageName") == data.image_ids[3]
    page.press(Keys.ESCAPE)
    assert not page.js("return document.getElementById('image').open")


def test_the_image_tells_all_and_links_to_its_file(open_explorer, tmp_path):
    ids = ["javascript:alert(1)", "a b/ü#1?.png", "100%.png", *(f"{i}.png" for i in range(9))]
    paths = ["javascript:alert(1)", "../images/a b/ü#1?.png", "/data/100%.png", *(f"../{i}.png" for i in range(9))]
    data = make_data(tmp_path, ids=ids, files=tuple(paths))
    page = open_explorer(data)
    wanted = ["./javascript%3Aalert(1)", "./../images/a%20b/%C3%BC%231%3F.png", "file:///data/100%25.png"]
    page.press("a")
    for row, address in enumerate(wanted):
        page.js("document.querySelector(arguments[0]).click()", f"#grid .cell[data-row='{row}']")
        assert page.js("return document.getElementById('imageFile').getAttribute('href')") == address
        lines = page.js("return [...document.querySelectorAll('#imageLines tr')].map((r) => r.innerText)")
        assert [line.split("\t")[0] for line in lines] == [
            "cluster", "nearest prototype", "Silhouette", "Near-label", "Novelty"
        ]  # fmt: skip
        page.press(Keys.ESCAPE)


def inside(places, polygon):
    """Even-odd, with another formula than the page's."""
    crossings = np.zeros(len(places), dtype=int)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        for i, (x, y) in enumerate(places):
            if min(y1, y2) <= y < max(y1, y2) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                crossings[i] += 1
    return np.flatnonzero(crossings % 2)


def around(places, rows, margin=12):
    """Corners, on the keyboard's raster from the middle of the map, around some rows."""
    (left, top), (right, bottom) = places[rows].min(axis=0) - margin, places[rows].max(axis=0) + margin
    return np.array(
        [(left, top), (right, top), (right + 30, bottom), ((left + right) / 2, bottom - 20), (left, bottom)]
    )


def walk(page, at, to):
    """Go with the arrows; return where the cross is then."""
    for axis, (back, forth) in enumerate(((Keys.ARROW_LEFT, Keys.ARROW_RIGHT), (Keys.ARROW_UP, Keys.ARROW_DOWN))):
        steps = round(float(to[axis] - at[axis]) / 5)
        key = forth if steps > 0 else back
        leaps, rest = divmod(abs(steps), 10)
        page.hold(Keys.SHIFT, *[key] * leaps)
        page.press(*[key] * rest)
        at = np.array(at, dtype=float)
        at[axis] += 5 * steps
    return at


def test_a_selection_by_keys_alone_is_the_lassos(open_explorer, data):
    page = open_explorer(data)
    places = page.places(data)
    rows = np.flatnonzero(data.nodes[0].columns[0].values == 1)[:9]
    corners = around(places, rows)
    width, height = page.js("const b = document.getElementById('map'); return [b.clientWidth, b.clientHeight]")
    middle = np.array([round(width / 2), round(height / 2)], dtype=float)
    page.focus_map()
    page.press("l")
    at, reached = middle, []
    for corner in corners:
        at = walk(page, at, corner)
        page.press(Keys.SPACE)
        reached.append(at)
    page.press(Keys.ENTER)
    by_keys = page.selected_names()
    assert set(by_keys) == {data.image_ids[row] for row in inside(places, np.array(reached))} and len(by_keys) > 5
    page.press("u")
    assert page.selected == 0
    # The same corners with the mouse itself.
    page.drag([*reached, reached[0]])
    assert page.selected_names() == by_keys
    # As a rectangle, too.
    page.press("r")
    page.drag([reached[0], reached[2]])
    by_mouse = page.selected_names()
    page.press("u")
    page.js("document.activeElement.blur()")
    page.focus_map()
    # The cross is where it was left.
    walk(page, reached[-1], reached[0])
    page.press(Keys.SPACE)
    walk(page, reached[0], reached[2])
    page.press(Keys.SPACE)
    assert page.selected_names() == by_mouse and len(by_mouse) > 5


def test_keys_alone_open_pick_and_leave(open_explorer, data):
    page = open_explorer(data)
    page.focus_map()
    places = page.places(data)
    middle = np.array(
        page.js("const b = document.getElementById('map'); return [b.clientWidth / 2, b.clientHeight / 2]")
    )
    page.press("l")
    walk(page, middle.round(), places[7])
    assert not page.js("return document.getElementById('card').hidden")
    assert page.text("#heard").startswith(f"{page.text('#cardName')}, cluster cluster ")
    page.press("x")
    assert page.selected == 1
    [name] = page.selected_names()
    page.press(Keys.ENTER)
    assert page.js("return document.getElementById('image').open") and page.text("#imageName") == name
    page.press(Keys.ESCAPE)
    page.press("x")
    assert page.selected == 0
    # What is drawn half is given up; then nothing is selected.
    page.press(Keys.SPACE, Keys.ESCAPE, "a")
    assert page.selected == 60
    page.press(Keys.ESCAPE)
    assert page.selected == 0
    page.press("?")
    assert page.js("return document.getElementById('help').open")
    page.press(Keys.ESCAPE, "/", "i", "m", "a")
    assert page.js("return document.getElementById('search').value") == "ima"


def test_modifiers_add_take_away_and_toggle(open_explorer, data):
    page = open_explorer(data)
    places = page.places(data)
    clusters = data.nodes[0].columns[0].values
    one, two = (np.flatnonzero(clusters == c) for c in (0, 1))
    page.drag([*around(places, one), around(places, one)[0]], held=[Keys.SHIFT])
    first = page.selected
    assert first == len(inside(places, around(places, one))) > 5
    page.drag([*around(places, two), around(places, two)[0]], held=[Keys.SHIFT])
    both = page.selected
    assert both > first
    page.drag([*around(places, one), around(places, one)[0]], held=[Keys.ALT])
    assert page.selected == both - first
    page.press("i")
    assert page.selected == 60 - (both - first)
    page.press("u", "u")
    assert page.selected == both
    before = set(page.selected_names())
    page.pointer("pointerdown", *places[0], ctrlKey=True)
    page.pointer("pointerup", *places[0], ctrlKey=True)
    assert len(before ^ set(page.selected_names())) == 1
    # As buttons, for fingers.
    page.js("document.querySelector('[value=subtract]').click()")
    page.click("[aria-label='Select cluster 1']")
    assert data.image_ids[two[0]] not in page.selected_names()


def test_legend_hides_isolates_and_selects(open_explorer, data):
    page = open_explorer(data)
    page.choose("#colorBy", "near_label")
    values = data.columns[0].values
    counts = page.js("return [...document.querySelectorAll('#legend .count')].map((c) => Number(c.textContent))")
    assert counts == [(values == 0).sum(), (values == 1).sum(), (values == -1).sum()]
    before = page.see("#map")
    page.click("[data-category='-1']")
    assert page.shown == (values >= 0).sum() and "hidden" in page.text("#chips")
    assert (page.see("#map") != before).any()
    page.click("[data-category='-1']")
    page.hold(Keys.SHIFT)
    page.js("document.querySelector('[data-category=\"1\"]').dispatchEvent(new MouseEvent('dblclick'))")
    assert page.shown == (values == 1).sum()
    page.click("[aria-label='Select defect']")
    assert set(page.selected_names()) == {data.image_ids[i] for i in np.flatnonzero(values == 1)}
    page.click("#showAll")
    assert page.shown == 60 and page.selected == (values == 1).sum()
    # Hidden ones stay selected, and the page says so.
    page.click("[data-category='1']")
    assert f"{(values == 1).sum()} of them are hidden" in page.text("#selectedHidden")


def test_numbers_are_filtered_by_range(open_explorer, data):
    page = open_explorer(data)
    page.choose("#colorBy", "score")
    score = data.columns[1].values
    low = page.driver.find_element("id", "rangeLow")
    low.clear()
    low.send_keys("0.4", Keys.TAB)
    assert page.shown == (score >= 0.4).sum()
    page.click("#rangeReset")
    assert page.shown == 60
    box = page.driver.find_element("id", "histogram")
    width = box.size["width"]
    page.js(
        "const h = document.getElementById('histogram'), b = h.getBoundingClientRect(); h.setPointerCapture = () => {};"
        "for (const [kind, x] of [['down', 0.25], ['move', 0.5], ['move', 0.75], ['up', 0.75]])"
        " h.dispatchEvent(new PointerEvent(`pointer${kind}`, { clientX: b.left + x * b.width, clientY: b.top + 9 }))"
    )
    known = score[~np.isnan(score)]
    start, span = known.min(), np.ptp(known)
    assert page.shown == ((score >= start + span / 4) & (score <= start + 0.75 * span)).sum() and width > 200
    page.press("a")
    assert "median" in page.text("#about")


def test_names_are_found(open_explorer, data):
    page = open_explorer(data)
    field = page.driver.find_element("id", "search")
    field.send_keys("E 1/")
    wanted = [name for name in data.image_ids if "e 1/" in name]
    assert page.shown == len(wanted) == 20
    page.click("#selectFound")
    assert page.selected_names() == wanted
    field.send_keys("nothing of the kind")
    assert page.shown == 0
    page.press(Keys.ESCAPE)
    page.press("a")
    assert page.selected == 0


def test_a_selection_tells_what_it_is_made_of(open_explorer, data):
    from scipy import stats

    page = open_explorer(data)
    near, clusters = data.columns[0].values, data.nodes[0].columns[0].values
    page.click("[aria-label='Select cluster 2']")
    chosen = clusters == 2
    n, drawn, known = chosen.sum(), (chosen & (near >= 0)).sum(), (near >= 0).sum()
    assert page.text("#selectedCount") == f"{n} images"
    rows = page.js(
        "return [...document.querySelectorAll('#nearLabels tbody tr')].map((r) => [...r.cells].map((c) => c.innerText))"
    )
    ps = [stats.hypergeom.sf((chosen & (near == c)).sum() - 1, known, (near == c).sum(), drawn) for c in (0, 1)]
    qs = stats.false_discovery_control(ps)
    for c, (name, _, count, p, q) in enumerate(rows):
        assert (name, count) == (("good", "defect")[c], str((chosen & (near == c)).sum()))
        assert float(p) == pytest.approx(ps[c], abs=6e-4) and float(q) == pytest.approx(qs[c], abs=6e-4)
    assert "100 % · " in page.text("#about") and "Nearest prototypes" in page.text("#about")
    prototype = int(data.nodes[0].prototypes[2])
    page.wait("return document.querySelector('.shares .picture canvas').dataset.shown")
    seen = page.pixels(".shares .picture canvas")
    np.testing.assert_array_equal(seen, cell_of(data.thumbnails, prototype))


def test_the_grid_serves_keys_and_screen_readers(open_explorer, data):
    page = open_explorer(data)
    page.press("a")
    page.js("document.getElementById('grid').focus({ focusVisible: true })")
    active = (
        "return document.getElementById(document.getElementById('grid').getAttribute('aria-activedescendant')).title"
    )
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    wide = page.js(
        "const wide = document.querySelector('.cell').offsetWidth;"
        "return Math.round(document.getElementById('gridRoom').offsetWidth / wide)"
    )
    assert page.js(active) == data.image_ids[1 + wide]
    page.press(Keys.END)
    assert page.js(active) == data.image_ids[-1]
    page.press(Keys.ENTER)
    assert page.text("#imageName") == data.image_ids[-1]
    page.press(Keys.ESCAPE)
    assert len(page.selected_names()) == 60
    # By the colour, highest first.
    page.choose("#order", "high")
    page.choose("#colorBy", "score")
    score = data.columns[1].values
    best = [data.image_ids[i] for i in np.argsort(-np.nan_to_num(score, nan=-1), kind="stable")]
    assert page.selected_names() == best
    page.choose("#order", "list")
    page.js("document.getElementById('grid').focus({ focusVisible: true })")
    # One is left out, and the place kept.
    page.press(Keys.HOME, Keys.ARROW_RIGHT, "x")
    assert page.selected == 59 and page.js(active) == data.image_ids[2]
    page.press("u")
    page.click("[data-action=list]")
    cell = page.driver.find_element("css selector", "#grid [role=option]")
    assert cell.get_attribute("aria-setsize") == "60" and "cluster" in cell.text


def test_thumbnails_lie_on_the_map(open_explorer, data):
    page = open_explorer(data)
    before = page.see("#map")
    page.press("t")
    page.wait("return true")
    for _ in range(40):
        after = page.see("#map")
        if (after != before).mean() > 0.1:
            break
    assert (after != before).mean() > 0.1
    page.press("t")
    assert (page.see("#map") == before).all()


def test_zoom_pan_and_fit(open_explorer, data):
    page = open_explorer(data)
    whole = page.see("#map")
    page.focus_map()
    page.press("+", "+", Keys.ARROW_LEFT)
    near = page.see("#map")
    assert (near != whole).any()
    page.press("0")
    page.js("document.activeElement.blur()")
    # But for the corners, whose line was under the focus.
    assert (page.see("#map") == whole)[9:-9, 9:-9].all()
    page.drag([(300, 300), (350, 330), (400, 360)])
    assert (page.see("#map") != whole).any()
    places = page.places(data) + np.array([100, 60])
    check_hovers(page, data, 0, 0, [r for r in range(0, 60, 9) if (places[r] < 640).all()], places)


def test_small_and_strange_data(open_explorer, tmp_path):
    """Two images; no near-labels, no neighbours, one map; all values unknown; 300 clusters."""
    two = make_data(tmp_path / "two", 2, columns=())
    page = open_explorer(two)
    page.press("a", "m", "t", "i", "u", "u", "u")
    page.press("a")
    assert page.selected == 2 and "Near-labels" not in page.text("#about")
    node = make_node("root", np.arange(600), 300, k=0)
    nothing = (category("near_label", np.full(600, -1), []), Column("score", "Novelty", np.full(600, np.nan)))
    unknown = make_data(tmp_path / "unknown", 600, nodes=(node,), columns=nothing)
    page = open_explorer(unknown)
    assert len(page.driver.find_elements("css selector", "#legend li")) == 300
    page.choose("#colorBy", "near_label")
    page.press("a")
    assert page.text("#legend") == "not known600onlyselect" and "Near-labels" not in page.text("#about")
    page.choose("#colorBy", "score")
    assert page.text("#rangeText") == "No value is known." and "not known of any" in page.text("#about")
    page.js("document.querySelector('#grid .cell').click()")
    assert not page.driver.find_element("id", "imageNearTitle").is_displayed()


def test_a_sheet_that_cannot_be_decoded_leaves_empty_cells(open_explorer, data):
    data.thumbnails.files[1].write_bytes(b"RIFF no picture")
    page = open_explorer(data)
    page.press("a")
    page.wait("return document.querySelectorAll('#grid canvas[data-shown=none]').length > 3")
    np.testing.assert_array_equal(page.pixels("#grid [data-row='11'] canvas"), cell_of(data.thumbnails, 11))
    page.press("t")
    page.frame()


def test_many_near_labels_have_a_short_table(open_explorer, tmp_path):
    labels = category("near_label", np.arange(60) % 20, [f"kind {i}" for i in range(20)], "Near-label")
    page = open_explorer(make_data(tmp_path, columns=(labels,)))
    page.driver.find_element("id", "search").send_keys("image_003")
    page.click("#selectFound")
    names = page.js("return [...document.querySelectorAll('#nearLabels tbody th')].map((h) => h.textContent)")
    assert len(names) == 12 and names[0] == "kind 3" and "and 8 others" in page.text("#about")
    assert page.js("return document.querySelector('#nearLabels tbody').rows[0].cells[3].textContent") == "0.050"


def test_a_click_opens_and_another_node_keeps_what_it_shares(open_explorer, data):
    page = open_explorer(data)
    places = page.places(data)
    alone = max(range(60), key=lambda r: np.sort(np.linalg.norm(places - places[r], axis=1))[1])
    page.drag([places[alone]])
    assert page.js("return document.getElementById('image').open")
    assert page.text("#imageName") == data.image_ids[alone]
    page.press(Keys.ESCAPE)
    page.choose("#colorBy", "near_label")
    page.click("[data-category='-1']")
    page.press("a")
    page.choose("#colorBy", "cluster")
    page.click("[data-category='0']")
    page.choose("#node", "root.1")
    members = data.nodes[1].members
    known = data.columns[0].values[members] >= 0
    # The filter of a column that all nodes have stays, with the selection; that of the node's own clusters does not.
    assert page.shown == page.selected == known.sum()
    assert page.selected_names() == [data.image_ids[at] for at in members[known]]


def test_until_another_node_is_there_the_map_is_the_one_before(open_explorer, data):
    """Between the two, rows of one would be shown as images of the other."""
    page = open_explorer(data)
    places = page.places(data)
    switch = (
        "const node = document.getElementById('node'), map = document.getElementById('map');"
        "const box = map.getBoundingClientRect(), seen = [];"
        "const look = () => { map.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + 1 + arguments[0],"
        " clientY: box.top + 1 + arguments[1] }));"
        " const card = document.getElementById('card');"
        " const name = card.hidden ? '' : document.getElementById('cardName').textContent;"
        " seen.push([document.body.dataset.ready, name]); };"
        "node.value = 'root.1'; node.dispatchEvent(new Event('change'));"
        "node.value = 'root'; node.dispatchEvent(new Event('change'));"
        "node.value = 'root.1'; node.dispatchEvent(new Event('change'));"
        "const again = () => { look(); if (seen.length < 60) setTimeout(again, 1); else arguments[2](seen); }; again();"
    )
    seen = page.driver.execute_async_script(switch, *map(float, places[3]))
    assert seen[0] == ["root/pca", data.image_ids[3]] and seen[-1][0] == "root.1/pca"
    other = page.places(data, 1)
    for ready, name in seen:
        node, at = (0, places) if ready == "root/pca" else (1, other)
        near = [data.image_ids[i] for i in data.nodes[node].members[np.linalg.norm(at - places[3], axis=1) < 15]]
        assert name in near or (not name and not near)


def test_points_are_sharp_on_any_screen_and_printed_on_white(open_explorer, data, browser):
    page = open_explorer(data)
    sizes = "const c = document.getElementById('points'); return [c.width / c.clientWidth, c.clientWidth]"
    screen = {"width": 900, "height": 700, "deviceScaleFactor": 2, "mobile": False}
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        page.wait(
            "return document.getElementById('points').width > 1.9 * document.getElementById('points').clientWidth"
        )
        ratio, _ = page.js(sizes)
        assert ratio == pytest.approx(2, abs=0.01)
        check_hovers(page, data, 0, 0, [3, 33])
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        page.frame()
        assert page.see("#map")[20, 20].max() < 60
        page.js("addEventListener('beforeprint', () => { const c = document.createElement('canvas');"
                "c.getContext('2d').drawImage(document.getElementById('points'), 0, 0);"
                "window.printed = [...c.getContext('2d').getImageData(40, 40, 1, 1).data]; })")  # fmt: skip
        browser.execute_cdp_cmd("Page.printToPDF", {})
        assert page.js("return window.printed") == [255, 255, 255, 255]
        page.frame()
        assert page.see("#map")[20, 20].max() < 60
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        set_size(browser, 1280, 800)


def test_a_browser_that_lacks_something_says_so(browser, open_explorer, data):
    path = open_explorer(data).path
    source = {"source": "delete window.DecompressionStream;"}
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    try:
        browser.get(path.as_uri())
        failed = browser.find_element("id", "failed")
        assert "DecompressionStream" in failed.text and failed.get_attribute("role") == "alert"
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
