"""The policy of the page to label on, as a browser enforces it; each test also asserts that nothing is asked for."""

import json
import re

from helpers.label_pages import INTRUSIONS, messages

IDS = ["1.png", "2.png"]


def test_the_browser_enforces_the_policy(open_page, browser):
    page = open_page(IDS)
    page.press("a", "g", "g", "h")
    assert messages(browser) == []
    for name, code in INTRUSIONS.items():
        assert browser.execute_async_script(f"const done = arguments[0]; {code}") == "refused", name
        assert any("Content Security Policy" in message for message in messages(browser)), name
    # Whoever asks all the same is stopped before the network.
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    failed = [event["params"] for event in events if event["method"] == "Network.loadingFailed"]
    assert failed and {event.get("blockedReason") for event in failed} == {"csp"}
    assert not any(event["method"] == "Network.responseReceived" and "example" in str(event) for event in events)


def test_nothing_in_the_file_is_run_but_the_one_script(open_page):
    page = open_page(IDS)
    text = page.path.read_text(encoding="utf-8")
    assert len(re.findall("<script", text)) == 2 and len(re.findall("<style", text)) == 1
    assert not re.search(r"<[a-z]+[^>]*\s(on[a-z]+|style)=", text.split("<script")[0])
    assert page.js("return document.querySelectorAll('script:not([type])').length") == 1
