"""The plan of a run: its configuration with every entry resolved to encoders, levels and nodes."""

from typing import Any

from pydantic import BaseModel, ValidationError

from nearlabel.config import (
    PAPER_ALGORITHMS,
    WINNER,
    Algorithm,
    Choice,
    Config,
    ConfigError,
    Encoder,
    Level,
    Reduction,
    describe_error,
    load_config,
)


class Plan:
    """What a configuration asks for, resolved: encoders, levels and nodes.

    Parameters
    ----------
    config : Config
        Checked configuration.

    Attributes
    ----------
    encoders : dict of str to Encoder
        By id; features' defaults filled in.
    levels : list of dict
        Keys ``encoders`` (ids, or ``["winner"]``), ``reduction``, ``algorithms`` (Algorithm by id), ``ks``,
        ``criterion``.
    nodes : list of str
        Every node to cluster, parents before children.
    """

    def __init__(self, config: Config):
        self.config = config
        self.encoders: dict[str, Encoder] = {}
        self.levels: list[dict] = []
        for depth, level in enumerate(config.grouping.levels):
            self.levels.append(self._resolve_level(depth, level))
        self.nodes = self._resolve_nodes()
        for node, choice in config.grouping.choose.items():
            self._check_choice(node, choice)

    def level(self, node: str) -> dict:
        """Level that a node belongs to."""
        return self.levels[min(node.count("."), len(self.levels) - 1)]

    def candidates(self, node: str) -> list[str]:
        """Encoder ids that `winner` may turn out to be at a node."""
        while (ids := self.level(node)["encoders"]) == [WINNER]:
            node = node.rpartition(".")[0]
        return ids

    def _resolve_level(self, depth: int, level: Level) -> dict:
        above = self.levels[-1] if depth else None
        where = f"grouping.levels.{depth}"
        if level.encoders is not None:
            encoders = [self._resolve_encoder(f"{where}.encoders.{i}", e) for i, e in enumerate(level.encoders)]
            _refuse_repeats(f"{where}.encoders", encoders)
        elif depth:
            encoders = [WINNER]
        else:
            raise ValueError(f"{where}.encoders is missing; name at least one encoder, for example texture")
        if level.algorithms is not None or not depth:
            entries = [
                _build(
                    f"{where}.algorithms.{i}", Algorithm, {"id": e, "name": e} if isinstance(e, str) else _with_id(e)
                )
                for i, e in enumerate(level.algorithms or PAPER_ALGORITHMS)
            ]
            _refuse_repeats(f"{where}.algorithms", [entry.id for entry in entries])
            algorithms = {entry.id: entry for entry in entries}
        else:
            algorithms = above["algorithms"]
        return {
            "encoders": encoders,
            "reduction": level.reduction or (above["reduction"] if above else Reduction()),
            "algorithms": algorithms,
            "ks": level.ks or (above["ks"] if above else [2, 50]),
            "criterion": level.criterion or ("convergence_difference" if depth else "min_max"),
        }

    def _resolve_encoder(self, where: str, entry: str | dict) -> str:
        own = {"name": entry} if isinstance(entry, str) else entry
        encoder = _build(where, Encoder, {**self.config.features.model_dump(), **_with_id(own)})
        if self.encoders.setdefault(encoder.id, encoder) != encoder:
            raise ValueError(f"{where}: the id '{encoder.id}' stands for two different encoders; give one another id")
        return encoder.id

    def _resolve_nodes(self) -> list[str]:
        nodes = {"root"}
        for node in self.config.grouping.expand:
            while node != "root":
                nodes.add(node)
                node, _, cluster = node.rpartition(".")
                last = self.level(node)["ks"][1]
                if int(cluster) >= last:
                    raise ValueError(
                        f"grouping.expand names {node}.{cluster}, but {node} has at most {last} clusters, from 0"
                    )
        return sorted(nodes, key=lambda node: [int(part) for part in node.split(".")[1:]])

    def _check_choice(self, node: str, choice: Choice) -> None:
        where = f"grouping.choose.{node}"
        if node not in self.nodes:
            raise ValueError(f"{where}: the node is not clustered; add it to grouping.expand")
        level = self.level(node)
        if choice.algorithm not in level["algorithms"]:
            raise ValueError(f"{where}.algorithm is '{choice.algorithm}', not one of {', '.join(level['algorithms'])}")
        if not level["ks"][0] <= choice.k <= level["ks"][1]:
            raise ValueError(f"{where}.k is {choice.k}, outside ks {level['ks']}")
        if choice.encoder is not None and choice.encoder not in self.candidates(node):
            raise ValueError(f"{where}.encoder is '{choice.encoder}', not one of {', '.join(self.candidates(node))}")


def _with_id(entry: dict) -> dict:
    return {"id": entry.get("name"), **entry}


def _refuse_repeats(where: str, ids: list[str]) -> None:
    for repeated in {i for i in ids if ids.count(i) > 1}:
        raise ValueError(f"{where} has the id '{repeated}' more than once; give each entry its own id")


def _build(where: str, model: type[BaseModel], values: dict) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(describe_error(error, where)) from None


def plan_run(raw: dict) -> Plan:
    """Check a configuration and resolve it.

    Parameters
    ----------
    raw : dict
        As Snakemake or YAML gives it.

    Raises
    ------
    ConfigError
        Anything that cannot be run; one sentence with the key's path.
    """
    config = load_config(raw)
    try:
        return Plan(config)
    except ValueError as error:
        raise ConfigError(f"config: {error}") from None
