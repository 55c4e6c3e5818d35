"""What the halves that train a network say, resolved: the network, query strategies, stopping rules."""

from nearlabel.config import Config
from nearlabel.config.features import QUERY_NOVELTY, QueryEncoder
from nearlabel.config.labelling import Labelling
from nearlabel.config.learning import Learning, StoppingRule
from nearlabel.config.training import MAP_SIDE, LearningNetwork, Strategy, Training
from nearlabel.learning.catalogue import STRATEGY_PARAMETERS, asks_for_maps, asks_for_novelty
from nearlabel.learning.network.catalogue import check_maps
from nearlabel.learning.stopping.needs import asks_for_validation
from nearlabel.plan.entries import EntryBuilder, refuse_repeats, with_id


class Learners:
    """Resolves the entries of the learning and the labelling half; problems go to the builder of entries.

    Parameters
    ----------
    config : Config
        Checked configuration.
    entries : EntryBuilder

    Attributes
    ----------
    network, strategies, queries, rules
        As of `nearlabel.plan.resolve.Plan`.
    """

    def __init__(self, config: Config, entries: EntryBuilder):
        self._config, self._entries = config, entries
        self.network: LearningNetwork | None = None
        self.strategies: dict[str, Strategy] = {}
        self.queries: dict[str, Strategy] = {}
        self.rules: dict[str, StoppingRule] = {}
        trained = config.learning or config.labelling
        if trained is not None:
            self.network = entries.attempt(self._resolve_network, trained)
        if config.learning is not None:
            self.strategies = self._resolve_strategies(config.learning)
            self.rules = self._resolve_rules(config.learning)
        if config.labelling is not None:
            self.queries = self._resolve_queries(config.labelling)

    def query_encoder(self) -> QueryEncoder | None:
        """The network that learns, pooling by novelty, where a strategy asks how novel images are."""
        asking = [*self.strategies.values(), *self.queries.values()]
        if not any(asks_for_novelty(one.name, one.parameters) for one in asking):
            return None
        inherited = self._config.features.model_dump(include={"novelty", "workers"})
        own = inherited | self.network.model_dump(exclude=set(inherited))
        where = "learning.encoder" if self._config.learning else "labelling.encoder"
        return self._entries.build(where, QueryEncoder, own | {"id": QUERY_NOVELTY, "pooling": "novelty"})

    def _resolve_network(self, trained: Training) -> LearningNetwork:
        entry, section = trained.encoder, type(trained).__name__.lower()
        own = {"name": entry} if isinstance(entry, str) else entry
        inherited = self._config.features.model_dump()
        if "geometry" not in own and inherited["geometry"] not in ("squash", "official"):
            raise ValueError(
                f"features.geometry is {inherited['geometry']}, which {section} cannot use; "
                f"set {section}.encoder.geometry to squash or official"
            )
        return self._entries.build(f"{section}.encoder", LearningNetwork, inherited | own)

    def _resolve_strategies(self, learning: Learning) -> dict[str, Strategy]:
        where = "learning.strategies"
        strategies = self._entries.attempt_all(where, self._resolve_strategy, learning.strategies)
        self._entries.attempt(refuse_repeats, where, [strategy.id for strategy in strategies])
        return {strategy.id: strategy for strategy in strategies}

    def _resolve_rules(self, learning: Learning) -> dict[str, StoppingRule]:
        where = "learning.stopping"
        rules = self._entries.attempt_all(where, self._resolve_rule, learning.stopping)
        self._entries.attempt(refuse_repeats, where, [rule.id for rule in rules])
        return {rule.id: rule for rule in rules}

    def _resolve_rule(self, where: str, entry: str | dict) -> StoppingRule:
        rule = self._entries.build(where, StoppingRule, with_id(entry))
        if asks_for_validation(rule.name) and self._config.learning.stratified:
            raise ValueError(
                f"{where}: {rule.name} looks at a validation set, and a stratified one gives away how common defects "
                "are; set learning.stratified to false or leave the rule out"
            )
        return rule

    def _resolve_queries(self, labelling: Labelling) -> dict[str, Strategy]:
        query = self._entries.attempt(self._resolve_strategy, "labelling.strategy", labelling.strategy)
        if query is not None and "oracle" in (query.name, query.parameters.get("strategy")):
            self._entries.refuse("labelling.strategy: oracle sees the labels, which nobody has yet; take another one")
        start = self._entries.attempt(self._resolve_strategy, "labelling.start", labelling.start)
        return {name: one for name, one in (("strategy", query), ("start", start)) if one is not None}

    def _resolve_strategy(self, where: str, entry: str | dict) -> Strategy:
        strategy = self._entries.build(where, Strategy, with_id(entry))
        if asks_for_maps(strategy.name, strategy.parameters):
            self._check_maps(where)
            section = where.split(".")[0]
            _check_window(where, strategy, getattr(self._config, section).maps.size, section)
        return strategy

    def _check_maps(self, where: str) -> None:
        try:
            # Where the network itself is refused, that is said already.
            if self.network is not None:
                check_maps(self.network.name, self.network.sides())
        except ValueError as error:
            raise ValueError(f"{where}: gradcam_avg compares activation maps, and {error}") from None


def _check_window(where: str, strategy: Strategy, map_size: list[int] | None, section: str) -> None:
    """Refuse a window of gradcam_avg, wrapped or not, that does not fit into the maps."""
    wrapped = STRATEGY_PARAMETERS["gradcam_avg"]["window"].default
    window = strategy.parameters["window"] if strategy.name == "gradcam_avg" else wrapped
    if window > min(map_size or [MAP_SIDE]):
        maps = (
            f"the maps of {section}.maps.size {map_size}" if map_size else f"maps of {MAP_SIDE} x {MAP_SIDE}, the least"
        )
        raise ValueError(
            f"{where}: the window of gradcam_avg is {window}, too large for {maps}; "
            f"take a smaller one or set {section}.maps.size to [{window}, {window}] or more"
        )
