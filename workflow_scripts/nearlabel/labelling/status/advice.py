"""One sentence that says what to do next."""

from collections.abc import Mapping
from typing import Any


def advise(status: Mapping[str, Any]) -> str:
    """Say what to do next.

    Parameters
    ----------
    status : mapping
        ``status.json``, as far as it is filled.

    Returns
    -------
    str
        A sentence, perhaps with a second one for what else needs a person.
    """
    return " ".join(filter(None, [_main(status), _besides(status)]))


def _main(status: Mapping[str, Any]) -> str:
    certificate, queue = status["certificate"], status["queue"]
    recall, level = f"{certificate['recall']:.0%}", f"{1 - certificate['alpha']:.0%}"
    if not status["left"]:
        return f"Every image has a label, and {_count(status['defects'], 'defect')} found: run finish."
    if certificate["state"] == "certified":
        return (
            f"Stop: at least {recall} of all defects are found, certified at {level} by {certificate['size']} images "
            f"that were drawn at random, {certificate['defects']} of them defective: run finish."
        )
    if certificate["state"] == "certain":
        return f"Stop: {recall} of all defects are found even if every image that is left had one: run finish."
    if certificate["state"] == "drawn":
        open_ = certificate["size"] - certificate["answered"]
        return (
            f"Label the {_count(open_, 'image')} that are left of {certificate['size']} drawn at random: then it is "
            f"known whether {recall} of all defects are found; skipped and unsure ones must be decided too."
        )
    if not status["labelled"]:
        return f"Label the {_count(queue, 'image')} of this first batch: they cover the data."
    if not status["defects"]:
        text = f"No defect is found so far: label the next {_count(queue, 'image')}"
        if elusion := status["elusion"]:
            text += f", or stop if a defect rate of up to {elusion['rate_at_most']:.1%} among the rest is good enough"
        if audit := status["clean_audit"]:
            text += (
                f"; {audit['images']} images drawn at random without a defect would show that it is at most "
                f"{audit['rate']:.0%} (labelling.audit says how many of a batch are)"
            )
        return f"{text}."
    cost = certificate["would_take"]
    told = f"; to certify that {recall} of all defects are found would take about {cost} images now" if cost else ""
    if certificate["state"] == "missed":
        told = f"; the last {certificate['size']} drawn at random held {certificate['defects']} defects, too many{told}"
    return f"Label the next {_count(queue, 'image')}{told}."


def _besides(status: Mapping[str, Any]) -> str:
    parts = []
    if status["disputed"]:
        parts.append(f"{_count(status['disputed'], 'image')} on which annotators disagree")
    if status["unsure"]:
        parts.append(f"{_count(status['unsure'], 'image')} that somebody was unsure of")
    if status["problems"]:
        parts.append(f"{_count(status['problems'], 'row')} of the files of labels in problems.csv")
    return f"Look at {', '.join(parts)}." if parts else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
