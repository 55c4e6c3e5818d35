"""Text that comes from files, made safe to look at: names may hold line breaks, control or direction characters."""


def visible(text) -> str:
    r"""Return text with every character that cannot be printed written as its escape.

    Line breaks, tabs, control characters, direction overrides and the surrogates of undecodable file names become
    ``\n``, ``\x07``, ``\u202e``, ``\udcff``; the result always encodes as UTF-8 and stays on one line. Of None
    and NaN nothing is shown.

    Parameters
    ----------
    text : object
        Anything; ``str`` is applied.

    Returns
    -------
    str
    """
    text = "" if text is None or text != text else str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shorten(text, length: int) -> str:
    """Return visible text of at most ``length`` characters, the middle left out where it is longer."""
    text = visible(text)
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"
