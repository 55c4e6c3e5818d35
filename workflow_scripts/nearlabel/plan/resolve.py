"""The plan of a run: its configuration with every entry resolved and completed."""

from typing import Any

from pydantic import BaseModel, ValidationError

from nearlabel.config import Config, ConfigError, describe_error, load_config
from nearlabel.config.features import QUERY_NOVELTY, WINNER, Encoder, QueryEncoder
from nearlabel.config.grouping import (
    PAPER_ALGORITHMS,
    Algorithm,
    Choice,
    Classification,
    Grouping,
    Level,
    PostModel,
    Reduction,
)
from nearlabel.config.learning import MAP_SIDE, Learning, LearningNetwork, Strategy
from nearlabel.learning.catalogue import STRATEGY_PARAMETERS, asks_for_novelty
from nearlabel.plan.levels import PlannedClassification, PlannedLevel


class Plan:
    """What a configuration asks for, resolved: encoders, levels and nodes; the learning network and its strategies.

    Parameters
    ----------
    config : Config
        Checked configuration.

    Attributes
    ----------
    grouping : Grouping
        The grouping half; one without data sets and levels where the run has none.
    encoders : dict of str to Encoder
        By id; features' defaults filled in.
    levels : list of PlannedLevel
    grows : bool
        Whether the tree grows by itself (``expand: auto``), so that its nodes are known only when it has grown.
    named : list of str
        Every node that the configuration names, ancestors included, parents before children; the root is one. All
        nodes to cluster, unless the tree grows.
    last_level : int
        Deepest level that is clustered, at most that if the tree grows.
    classifications : dict of (str, str) to PlannedClassification
        By node and target.
    learning : Learning or None
        The learning half.
    network : LearningNetwork or None
        What learns; features' defaults filled in.
    strategies : dict of str to Strategy
        By id; their parameters' defaults filled in.
    query_encoder : Encoder or None
        The network that learns, pooling by novelty, where a strategy asks how novel images are.
    """

    def __init__(self, config: Config):
        self.config = config
        # A stand-in, so that nobody else need ask whether there is a grouping half.
        self.grouping = config.grouping or Grouping.model_construct(datasets=[], levels=[])
        self.encoders: dict[str, Encoder] = {}
        self.levels: list[PlannedLevel] = []
        for depth, level in enumerate(self.grouping.levels):
            self.levels.append(self._resolve_level(depth, level))
        self.grows = self.grouping.expand == "auto"
        self.named = self._resolve_nodes()
        limits = self.grouping.expand_limits
        self.last_level = limits.max_level if self.grows else max(node.count(".") for node in self.named)
        for node, choice in self.grouping.choose.items():
            self._check_choice(node, choice)
        self.classifications: dict[tuple[str, str], PlannedClassification] = {}
        for i, entry in enumerate(self.grouping.classify):
            self._add_classification(f"grouping.classify.{i}", entry)
        self.learning = config.learning
        self.network: LearningNetwork | None = None
        self.strategies: dict[str, Strategy] = {}
        if self.learning is not None:
            self.network = self._resolve_network(self.learning.encoder)
            self.strategies = _resolve_strategies(self.learning)
        self.query_encoder = self._resolve_query_encoder()

    def level(self, node: str) -> PlannedLevel:
        """Level that a node belongs to."""
        return self.levels[min(node.count("."), len(self.levels) - 1)]

    def candidates(self, node: str) -> list[str]:
        """Encoder ids that `winner` may turn out to be at a node."""
        while (ids := self.level(node).encoders) == [WINNER]:
            node = node.rpartition(".")[0]
        return ids

    def own_files(self) -> list[tuple[str, str]]:
        """Tables of the user's own that the run reads, each with a key that names it."""
        files = {file: f"grouping.names.{name}" for name, file in self.grouping.names.items()}
        for name in [*self.grouping.datasets, *(self.learning.datasets if self.learning else [])]:
            if isinstance(near_labels := self.config.datasets[name].near_labels, str):
                files.setdefault(near_labels, f"datasets.{name}.near_labels")
        return [(key, file) for file, key in files.items()]

    def _resolve_level(self, depth: int, level: Level) -> PlannedLevel:
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
            algorithms = above.algorithms
        return PlannedLevel(
            encoders=encoders,
            reduction=level.reduction or (above.reduction if above else Reduction()),
            algorithms=algorithms,
            ks=tuple(level.ks) if level.ks else (above.ks if above else (2, 50)),
            criterion=level.criterion or "consensus",
        )

    def _resolve_encoder(self, where: str, entry: str | dict) -> str:
        own = {"name": entry} if isinstance(entry, str) else entry
        encoder = _build(where, Encoder, {**self.config.features.model_dump(), **_with_id(own)})
        if self.encoders.setdefault(encoder.id, encoder) != encoder:
            raise ValueError(f"{where}: the id '{encoder.id}' stands for two different encoders; give one another id")
        return encoder.id

    def _resolve_network(self, entry: str | dict) -> LearningNetwork:
        own = {"name": entry} if isinstance(entry, str) else entry
        inherited = self.config.features.model_dump()
        if "geometry" not in own and inherited["geometry"] not in ("squash", "official"):
            raise ValueError(
                f"features.geometry is {inherited['geometry']}, which learning cannot use; "
                "set learning.encoder.geometry to squash or official"
            )
        return _build("learning.encoder", LearningNetwork, inherited | own)

    def _resolve_query_encoder(self) -> Encoder | None:
        if not any(asks_for_novelty(one.name, one.parameters) for one in self.strategies.values()):
            return None
        inherited = self.config.features.model_dump(include={"novelty", "workers"})
        own = inherited | self.network.model_dump(exclude=set(inherited))
        return _build("learning.encoder", QueryEncoder, own | {"id": QUERY_NOVELTY, "pooling": "novelty"})

    def _resolve_nodes(self) -> list[str]:
        grouping = self.grouping
        # Clustered: what the user names to be; a tree that grows also holds what else the user has settings for.
        wanted = {"grouping.expand": [] if self.grows else grouping.expand}
        if self.grows:
            wanted["grouping.choose"] = grouping.choose
            wanted["grouping.classify"] = [entry.node for entry in grouping.classify]
        nodes = {"root"}
        for key, named in wanted.items():
            for node in named:
                if self.grows and node.count(".") > grouping.expand_limits.max_level:
                    raise ValueError(
                        f"{key} names {node}, below max_level {grouping.expand_limits.max_level} of "
                        "grouping.expand_limits; raise max_level"
                    )
                while node != "root":
                    nodes.add(node)
                    node, _, cluster = node.rpartition(".")
                    last = self.level(node).ks[1]
                    if int(cluster) >= last:
                        raise ValueError(
                            f"{key} names {node}.{cluster}, but {node} has at most {last} clusters, from 0"
                        )
        return sorted(nodes, key=lambda node: [int(part) for part in node.split(".")[1:]])

    def _check_choice(self, node: str, choice: Choice) -> None:
        where = f"grouping.choose.{node}"
        if node not in self.named:
            raise ValueError(f"{where}: the node is not clustered; add it to grouping.expand")
        level = self.level(node)
        if choice.algorithm not in level.algorithms:
            raise ValueError(f"{where}.algorithm is '{choice.algorithm}', not one of {', '.join(level.algorithms)}")
        if not level.ks[0] <= choice.k <= level.ks[1]:
            raise ValueError(f"{where}.k is {choice.k}, outside ks {list(level.ks)}")
        if choice.encoder is not None and choice.encoder not in self.candidates(node):
            raise ValueError(f"{where}.encoder is '{choice.encoder}', not one of {', '.join(self.candidates(node))}")

    def _add_classification(self, where: str, entry: Classification) -> None:
        if entry.node not in self.named:
            raise ValueError(f"{where}.node is {entry.node}, which is not clustered; add it to grouping.expand")
        for name in self.grouping.datasets:
            near_labels = self.config.datasets[name].near_labels
            without = isinstance(near_labels, dict) and not any(near_labels.values())
            if entry.target == "near_labels" and without:
                raise ValueError(f"{where}.target is near_labels, but datasets.{name}.near_labels gives no image one")
        if (entry.node, entry.target) in self.classifications:
            raise ValueError(f"{where} repeats target '{entry.target}' at {entry.node}; list its models in one entry")
        models = [
            _build(f"{where}.models.{i}", PostModel, {"id": e, "name": e} if isinstance(e, str) else _with_id(e))
            for i, e in enumerate(entry.models)
        ]
        _refuse_repeats(f"{where}.models", [model.id for model in models])
        if entry.choose is not None and entry.choose not in [model.id for model in models]:
            raise ValueError(f"{where}.choose is '{entry.choose}', not one of {', '.join(m.id for m in models)}")
        self.classifications[entry.node, entry.target] = PlannedClassification(
            models={model.id: model for model in models},
            folds=entry.folds,
            duplicate_distance=entry.duplicate_distance,
            choose=entry.choose,
            normal=entry.normal,
        )


def _resolve_strategies(learning: Learning) -> dict[str, Strategy]:
    strategies = [
        _build(f"learning.strategies.{i}", Strategy, {"id": e, "name": e} if isinstance(e, str) else _with_id(e))
        for i, e in enumerate(learning.strategies)
    ]
    _refuse_repeats("learning.strategies", [strategy.id for strategy in strategies])
    for i, strategy in enumerate(strategies):
        _check_window(f"learning.strategies.{i}", strategy, learning.maps.size)
    return {strategy.id: strategy for strategy in strategies}


def _check_window(where: str, strategy: Strategy, map_size: list[int] | None) -> None:
    """Refuse a window of gradcam_avg, wrapped or not, that does not fit into the maps."""
    if strategy.name == "gradcam_avg":
        window = strategy.parameters["window"]
    elif strategy.parameters.get("strategy") == "gradcam_avg":
        window = STRATEGY_PARAMETERS["gradcam_avg"]["window"].default
    else:
        return
    if window > min(map_size or [MAP_SIDE]):
        maps = (
            f"the maps of learning.maps.size {map_size}" if map_size else f"maps of {MAP_SIDE} x {MAP_SIDE}, the least"
        )
        raise ValueError(
            f"{where}: the window of gradcam_avg is {window}, too large for {maps}; "
            f"take a smaller one or set learning.maps.size to [{window}, {window}] or more"
        )


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
