"""The published claims that do not hold: the counterexamples beside the scores are run."""

import re

import pytest

from helpers.places import LIBRARY, REPOSITORY

PAGE = LIBRARY / "grouping/scores/published_score.md"


def claims(path):
    """The code blocks between the markers ``<!-- claims -->`` and ``<!-- end -->``."""
    text = path.read_text(encoding="utf-8")
    section = re.search(r"^<!-- claims -->$(.*?)^<!-- end -->$", text, re.DOTALL | re.MULTILINE)
    assert section, f"{path.name} has no section between <!-- claims --> and <!-- end -->"
    blocks = re.findall(r"^```python\n(.*?)^```$", section[1], re.DOTALL | re.MULTILINE)
    assert blocks, f"the claims of {path.name} have no code"
    return blocks


def run(path):
    for block in claims(path):
        assert re.search(r"^\s*assert ", block, re.MULTILINE), f"a block asserts nothing:\n{block}"
        exec(compile(block, f"a claim of {path.name}", "exec"), {})


def test_claims_hold():
    assert len(claims(PAGE)) >= 6
    run(PAGE)


def test_readme_links_the_page():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"]({PAGE.relative_to(REPOSITORY).as_posix()})" in readme


def test_false_or_missing_claims_are_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- claims -->\n```python\nassert 1 == 1\n```\n<!-- end -->\n```python\nassert 1 == 2\n```\n")
    run(page)
    page.write_text("<!-- claims -->\n```python\nassert 1 == 1\n```\n\n```python\nassert 1 == 2\n```\n<!-- end -->\n")
    with pytest.raises(AssertionError):
        run(page)
    page.write_text("<!-- claims -->\n```python\nx = 1\n```\n<!-- end -->\n")
    with pytest.raises(AssertionError, match="asserts nothing"):
        run(page)
    page.write_text("# Page\n")
    with pytest.raises(AssertionError, match="no section"):
        run(page)
