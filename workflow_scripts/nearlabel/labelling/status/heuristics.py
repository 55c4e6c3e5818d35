"""What the stopping rules without a guarantee say; only the certificate proves anything."""

from typing import Any

from nearlabel.learning.stopping.catalogue import known_parameters
from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.rules import RULES, build_rule


def ask_heuristics(history: History, recall: float) -> list[dict[str, Any]]:
    """Ask every rule that guarantees nothing whether labelling may stop.

    Parameters
    ----------
    history : History
    recall : float
        Share of defects to be found, for the rules that have such a target.

    Returns
    -------
    list of dict
        rule; stop (whether it would); reason; assumes (what must be true for it to be right).
    """
    found = []
    for name, rule in RULES.items():
        if rule.guarantees or "hindsight" in rule.needs:
            continue
        decision = build_rule(name, {"recall": recall} if "recall" in known_parameters(name) else {}).decide(history)
        found.append(
            {"rule": name, "stop": decision.action == "stop", "reason": decision.reason, "assumes": rule.assumes}
        )
    return found
