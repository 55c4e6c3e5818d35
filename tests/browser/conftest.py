"""A browser for each module, left out where there is none."""

import pytest

pytest.importorskip("selenium", reason="selenium is not installed (pip install 'nearlabel[test]')")

from helpers import explorer_data
from helpers.explorer_pages import ExplorerPage
from helpers.label_pages import (
    CHROMEDRIVER,
    CHROMIUM,
    MISSING,
    LabelPage,
    messages,
    requests,
    set_downloads,
    start_browser,
    write_page,
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("browser")
    driver = start_browser(folder / "profile", folder / "downloads")
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser, tmp_path, request):
    """Write a page, open it, say who labels: see `write_page`. In the end nothing was complained of or asked for."""
    opened = []
    set_downloads(browser, tmp_path / "downloads")

    def make(ids, *arguments, annotator="Ada", **changes) -> LabelPage:
        # The browser keeps answers; a run's name of its own gives each test its own.
        path = write_page(tmp_path, ids, *arguments, **{"run": request.node.name} | changes)
        page = LabelPage(browser, path, tmp_path / "downloads")
        opened.append(page.path)
        messages(browser), requests(browser)
        return page.open(annotator)

    yield make
    if opened:
        assert messages(browser) == []
        assert set(requests(browser)) <= {path.as_uri() for path in opened}


@pytest.fixture
def open_explorer(browser, tmp_path):
    """Write an explorer, open it: see `explorer_data.make_data`. In the end as of `open_page`."""
    opened = []
    set_downloads(browser, tmp_path / "downloads")

    def make(data=None, **changes) -> ExplorerPage:
        path = explorer_data.write_page(tmp_path, data or explorer_data.make_data(tmp_path), **changes)
        page = ExplorerPage(browser, path, tmp_path / "downloads")
        opened.append(path)
        messages(browser), requests(browser)
        return page.open()

    yield make
    if opened:
        assert messages(browser) == []
        assert set(requests(browser)) <= {path.as_uri() for path in opened}
