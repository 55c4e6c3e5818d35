import numpy as np
import pandas as pd

from nearlabel.grouping.scores.limits import lopsided
from nearlabel.grouping.selection.candidates import MOST, list_candidates, list_others
from nearlabel.grouping.selection.criteria import select_clustering
from nearlabel.grouping.structure.strength import describe_structure, judge_structure

KS = range(2, 8)


def tables(excess, silhouette, across=None, agreement=None, flags=None, algorithms=("kmeans", "agglomerative")):
    """Scores and evidence of an encoder: a list over k for each argument, the same for all algorithms."""
    rows = [(algorithm, k) for algorithm in algorithms for k in KS]
    keys = pd.DataFrame(rows, columns=["algorithm", "k"])
    count = len(algorithms)
    scores = keys.assign(entropy=1.0, silhouette=silhouette * count, ami=np.nan, largest=90, smallest=1)
    scores["flags"] = (flags or [""] * len(KS)) * count
    evidence = keys.assign(mean=0.5, null=0.5 - np.array(excess * count), null_deviation=0.01, excess=excess * count)
    evidence["agreement"] = (agreement or [0.5] * len(KS)) * count
    evidence["across"] = (across or [np.nan] * len(KS)) * count
    return scores, evidence.assign(stability=np.nan)


def node(**encoders):
    return tuple({name: pair[part].copy() for name, pair in encoders.items()} for part in (0, 1))


NET = tables([0.1, 0.2, 0.6, 0.3, 0.5, 0.4], [0.9, 0.3, 0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.5, 0.2, 0.9, 0.1])
TEXTURE = tables([0.0, 0.1, 0.1, 0.2, 0.1, 0.0], [0.8, 0.3, 0.3, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.2, 0.3, 0.1])


def choose(scores, evidence, criterion):
    chosen = select_clustering(scores, criterion, agreement=evidence)
    return chosen.encoder, chosen.k, chosen.criterion


def test_each_criterion_of_structure_takes_its_own_largest_value():
    scores, evidence = node(texture=TEXTURE, net=NET)
    assert choose(scores, evidence, "agreement") == ("net", 4, "agreement")
    assert choose(scores, evidence, "consensus") == ("net", 6, "consensus")  # .5 + .9 + .2
    evidence["texture"]["stability"] = 0.1
    evidence["net"].loc[3, "stability"] = 0.7
    assert choose(scores, evidence, "stability") == ("net", 5, "stability")


def test_consensus_without_another_encoder_is_agreement_and_silhouette():
    scores, evidence = node(net=tables([0.1, 0.2, 0.6, 0.3, 0.5, 0.4], [0.9, 0.3, 0.2, 0.3, 0.2, 0.1]))
    assert choose(scores, evidence, "consensus") == ("net", 2, "consensus")


def test_the_algorithm_that_agrees_most_with_the_others_wins_its_k():
    scores, evidence = node(net=NET)
    evidence["net"].loc[evidence["net"]["algorithm"] == "agglomerative", "agreement"] = 0.8
    assert select_clustering(scores, "agreement", agreement=evidence).algorithm == "agglomerative"


def test_undefined_agreement_falls_back_to_the_silhouette_and_says_why():
    scores, evidence = node(net=tables([np.nan] * 6, [0.1, 0.2, 0.5, 0.1, 0.1, 0.1], algorithms=("kmeans",)))
    chosen = select_clustering(scores, "consensus", agreement=evidence)
    assert (chosen.k, chosen.criterion) == (4, "silhouette")
    assert chosen.note.startswith("consensus is undefined, as there is one algorithm")


def test_a_lopsided_clustering_never_wins_by_structure_and_is_never_silent():
    flags = ["", "", "lopsided", "", "", ""]
    scores, evidence = node(net=tables([0.1, 0.2, 0.6, 0.3, 0.5, 0.4], [0.1, 0.3, 0.9, 0.3, 0.2, 0.1], flags=flags))
    assert choose(scores, evidence, "agreement")[1] == 6
    chosen = select_clustering(scores, "silhouette", agreement=evidence)
    assert chosen.k == 4 and "one group holds 90 images" in chosen.note
    only, evidence = node(net=tables([0.1] * 6, [0.1] * 6, flags=["lopsided"] * 6))
    assert "one group holds" in select_clustering(only, "consensus", agreement=evidence).note


def test_lopsided_means_nearly_all_in_one_and_hardly_any_in_the_others():
    assert lopsided([2617, 4, 3])
    assert lopsided([199, 1])
    assert not lopsided([95, 5])  # five images of a hundred may be the defects
    assert not lopsided([2500, 124])
    assert not lopsided([970, 30])
    assert not lopsided([100])


def test_others_say_what_every_measured_criterion_chooses():
    others = list_others(*node(texture=TEXTURE, net=NET))
    assert others.keys() == {"consensus", "agreement", "min_max", "silhouette"}
    assert others["silhouette"] == {"encoder": "net", "algorithm": "kmeans", "k": 2}
    assert others["agreement"]["k"] == 4


def test_candidates_are_few_different_and_not_the_winner():
    scores, evidence = node(texture=TEXTURE, net=NET)
    chosen = select_clustering(scores, "consensus", agreement=evidence)
    others = list_others(scores, evidence)
    candidates = list_candidates(scores, evidence, chosen, others, tree_cut=3)
    places = [(c["encoder"], c["algorithm"], c["k"]) for c in candidates]
    assert 3 <= len(candidates) <= MOST and len(set(places)) == len(places)
    assert (chosen.encoder, chosen.algorithm, chosen.k) not in places
    assert any("agreement chooses" in c["reason"] for c in candidates)
    assert any(c["encoder"] == "texture" for c in candidates)
    assert any("tree of merges" in c["reason"] for c in candidates)


def test_lopsided_clusterings_are_no_candidates():
    scores, evidence = node(net=tables([0.1, 0.2, 0.6, 0.3, 0.5, 0.4], [0.1] * 6, flags=["lopsided"] * 5 + [""]))
    chosen = select_clustering(scores, "consensus", agreement=evidence)
    assert {c["k"] for c in list_candidates(scores, evidence, chosen, list_others(scores, evidence))} <= {7}


def test_strength_needs_agreement_beyond_chance_or_two_encoders():
    clear = node(net=NET)[1]
    assert judge_structure(clear).strength == "clear"
    weak = node(net=tables([0.32] * 6, [0.1] * 6))[1]
    assert judge_structure(weak).strength == "weak"
    unsure = {"net": weak["net"].assign(null_deviation=0.2)}
    assert judge_structure(unsure).strength == "none"
    across = node(a=tables([0.0] * 6, [0.1] * 6, [0.3] * 6), b=tables([0.0] * 6, [0.1] * 6, [0.3] * 6))[1]
    assert judge_structure(across).strength == "weak"
    none = judge_structure(node(net=tables([0.1] * 6, [0.1] * 6))[1])
    said = describe_structure(none)
    assert said["found"] is False and said["sentence"].startswith("No structure found") and said["across"] is None
