"""The plan of a run: its configuration with every entry resolved and completed."""

from nearlabel.config import Config, ConfigError, ConfigText, load_config
from nearlabel.config.base import Problems
from nearlabel.config.errors import locate
from nearlabel.config.features import WINNER, Encoder
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
from nearlabel.grouping.models.catalogue import CATALOGUE, CLASSIFIER
from nearlabel.plan.entries import EntryBuilder, entry_problems, refuse_repeats, with_id
from nearlabel.plan.learners import Learners
from nearlabel.plan.levels import PlannedClassification, PlannedLevel, bits_apart


class Plan:
    """What a configuration asks for, resolved: encoders, levels and nodes; the learning network and its strategies.

    Parameters
    ----------
    config : Config
        Checked configuration.
    text : ConfigText, optional
        What is written in the files that it comes from.

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
    rules : dict of str to StoppingRule
        By id; their parameters' defaults filled in.
    labelling : Labelling or None
        The labelling half.
    queries : dict of str to Strategy
        What chooses images for a person: ``strategy``, and ``start`` as long as there is nothing to learn from.
    trained : Training or None
        The section that says which network learns: that of learning, or else of labelling.
    production : Production or None
        The production end.
    label_model : PostModel or None
        The model that it labels by, where the configuration names one; its parameters' defaults filled in.
    query_encoder : Encoder or None
        The network that learns, pooling by novelty, where a strategy asks how novel images are.
    """

    def __init__(self, config: Config, text: ConfigText | None = None):
        self.config = config
        self._entries = EntryBuilder(text)
        # A stand-in, so that nobody else need ask whether there is a grouping half.
        self.grouping = config.grouping or Grouping.model_construct(datasets=[], levels=[])
        self.encoders: dict[str, Encoder] = {}
        self.levels: list[PlannedLevel] = []
        for depth, level in enumerate(self.grouping.levels):
            self.levels.append(self._resolve_level(depth, level))
        self.learning, self.labelling = config.learning, config.labelling
        self.trained = self.learning or self.labelling
        learners = Learners(config, self._entries)
        self.network, self.strategies, self.rules = learners.network, learners.strategies, learners.rules
        self.queries = learners.queries
        self._entries.raise_problems()
        self.grows = self.grouping.expand == "auto"
        self.named = self._resolve_nodes()
        limits = self.grouping.expand_limits
        self.last_level = limits.max_level if self.grows else max(node.count(".") for node in self.named)
        for node, choice in self.grouping.choose.items():
            self._entries.attempt(self._check_choice, node, choice)
        self.classifications: dict[tuple[str, str], PlannedClassification] = {}
        for i, entry in enumerate(self.grouping.classify):
            self._entries.attempt(self._add_classification, f"grouping.classify.{i}", entry)
        self.production = config.production
        named = self.production.model if self.production else None
        self.label_model = named and self._entries.attempt(self._resolve_label_model, "production.model", named)
        self._entries.raise_problems()
        self.query_encoder = learners.query_encoder()

    @property
    def labelled(self) -> list[str]:
        """The data set that a person labels, if any."""
        return [self.labelling.dataset] if self.labelling else []

    def level(self, node: str) -> PlannedLevel:
        """Level that a node belongs to."""
        return self.levels[min(node.count("."), len(self.levels) - 1)]

    def candidates(self, node: str) -> list[str]:
        """Encoder ids that `winner` may turn out to be at a node."""
        while (ids := self.level(node).encoders) == [WINNER]:
            node = node.rpartition(".")[0]
        return ids

    def _resolve_level(self, depth: int, level: Level) -> PlannedLevel:
        above = self.levels[-1] if depth else None
        where = f"grouping.levels.{depth}"
        encoders = [WINNER]
        if level.encoders is not None:
            encoders = self._entries.attempt_all(f"{where}.encoders", self._resolve_encoder, level.encoders)
            self._entries.attempt(refuse_repeats, f"{where}.encoders", encoders)
        elif not depth:
            self._entries.refuse(f"{where}.encoders is missing; name at least one encoder, for example texture")
        if level.algorithms is not None or not depth:
            entries = self._entries.attempt_all(
                f"{where}.algorithms", self._resolve_algorithm, level.algorithms or PAPER_ALGORITHMS
            )
            self._entries.attempt(refuse_repeats, f"{where}.algorithms", [entry.id for entry in entries])
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

    def _resolve_algorithm(self, where: str, entry: str | dict) -> Algorithm:
        return self._entries.build(where, Algorithm, with_id(entry))

    def _resolve_encoder(self, where: str, entry: str | dict) -> str:
        encoder = self._entries.build(where, Encoder, {**self.config.features.model_dump(), **with_id(entry)})
        if self.encoders.setdefault(encoder.id, encoder) != encoder:
            raise ValueError(f"{where}: the id '{encoder.id}' stands for two different encoders; give one another id")
        return encoder.id

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

    def _resolve_model(self, where: str, entry: str | dict) -> PostModel:
        return self._entries.build(where, PostModel, with_id(entry))

    def _resolve_label_model(self, where: str, entry: str | dict) -> PostModel:
        model = self._resolve_model(where, entry)
        if CATALOGUE[model.name].kind != CLASSIFIER:
            names = ", ".join(name for name, known in CATALOGUE.items() if known.kind == CLASSIFIER)
            raise ValueError(f"{where} is {model.name}, which tells good images from others alone; choose {names}")
        return model

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
        models = self._entries.attempt_all(f"{where}.models", self._resolve_model, entry.models)
        refuse_repeats(f"{where}.models", [model.id for model in models])
        if entry.choose is not None and entry.choose not in [model.id for model in models]:
            raise ValueError(f"{where}.choose is '{entry.choose}', not one of {', '.join(m.id for m in models)}")
        self.classifications[entry.node, entry.target] = PlannedClassification(
            models={model.id: model for model in models},
            folds=entry.folds,
            duplicate_distance=bits_apart(entry.duplicate_distance),
            choose=entry.choose,
            normal=entry.normal,
        )


def plan_run(raw: dict, text: ConfigText | None = None) -> Plan:
    """Check a configuration and resolve it.

    Parameters
    ----------
    raw : dict
        As Snakemake or YAML gives it.
    text : ConfigText, optional
        What is written in the files that it comes from.

    Raises
    ------
    ConfigError
        Anything that cannot be run; a sentence for each problem, with the key's path.
    """
    try:
        config = load_config(raw, text)
    except ConfigError as error:
        raise ConfigError([*error.problems, *entry_problems(raw, text)]) from None
    try:
        return Plan(config, text)
    except Problems as error:
        raise ConfigError(error.problems) from None
    except ValueError as error:
        raise ConfigError([locate(str(error), text)]) from None
