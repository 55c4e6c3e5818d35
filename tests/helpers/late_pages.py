"""Pages that are late: what a browser does in an event of its own comes some time after what asked for it.

A test that looks too early fails then each time, and not once in a hundred runs on a busy machine. Asked for with
``NEARLABEL_LATE_MS=120 pytest tests/browser``.
"""

import os

MILLISECONDS = int(os.environ.get("NEARLABEL_LATE_MS", "0"))

_SCRIPT = """
(() => {
  const pause = () => new Promise((done) => setTimeout(done, LATE));
  const late = (act) => function (...given) { setTimeout(() => act.apply(this, given), LATE); };
  // Those of a frame are there when it is painted, which a test can wait for.
  const events = ["close", "hashchange", "load", "storage", "toggle"];
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (kind, act, options) {
    const delayed = events.includes(kind) && typeof act === "function" && this !== document;
    return listen.call(this, kind, delayed ? late(act) : act, options);
  };
  const delay = (owner, name) => {
    const own = owner?.[name];
    if (own) owner[name] = async function (...given) {
      await pause();
      const found = await own.apply(this, given);
      await pause();
      return found;
    };
  };
  delay(window, "createImageBitmap");
  delay(window, "fetch");
  delay(HTMLImageElement.prototype, "decode");
  delay(navigator.clipboard, "writeText");
})();
"""


def delay_pages(driver, milliseconds: int = MILLISECONDS) -> None:
    """Make all pages late that the browser opens from now on; 0: none."""
    if milliseconds:
        source = _SCRIPT.replace("LATE", str(milliseconds))
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
