import pytest

from nearlabel.report.overview.findings import describe_findings, join_numbers, telling_groups

WEAK = {"strength": "weak", "agreement": 0.84, "null": 0.55, "across": None}
UNKNOWN = {"state": "", "headline": ""}


def make_node(sizes, evidence=(), counts=(), structure=WEAK, verdict=UNKNOWN, ami=None, p_value=None):
    total = sum(sizes)
    return {
        "size": total,
        "clusters": [{"number": i, "size": size, "share": size / total} for i, size in enumerate(sizes)],
        "near_label_counts": [{"label": label, "count": count} for label, count in counts],
        "evidence": [
            {"cluster": cluster, "size": sizes[cluster], "near_label": label, "count": count, "share": share}
            | {"fold_enrichment": share * total / dict(counts)[label], "q_value": q}
            for cluster, label, count, share, q in evidence
        ],
        "structure": structure,
        "verdict": verdict,
        "ami": ami,
        "p_value": p_value,
    }


def test_groups_of_one_near_label_are_said_with_what_is_usual():
    node = make_node(
        [70, 18, 12],
        [(0, "good", 60, 60 / 70, 1e-4), (1, "defect", 18, 1.0, 1e-6), (2, "defect", 9, 0.75, 1e-3)],
        [("good", 63), ("defect", 37)],
    )
    told = telling_groups(node)
    assert [(entry["near_label"], entry["groups"], entry["pure"]) for entry in told] == [
        ("defect", [1], True),
        ("good", [0], True),
        ("defect", [2], False),
    ]
    said = describe_findings(node)
    assert said["found"].startswith("3 groups of images: of 100, the largest has 70, the smallest 12.")
    assert "All 18 images in group 1 are “defect”; of all images 37 % are." in said["found"]
    assert "86 % of the 70 images in group 0 are “good”; of all images 63 % are." in said["found"]
    assert "group 2" not in said["found"]
    assert said["state"] == "weak"
    assert said["sure"] == (
        "The groups pass into each other: take them as a first sorting (algorithms agree on them by 0.84 of 1, and by "
        "0.55 where there is nothing to find)."
    )


def test_what_chance_explains_is_not_said():
    node = make_node([60, 40], [(1, "defect", 36, 0.9, 0.2)], [("good", 50), ("defect", 50)])
    assert telling_groups(node) == []
    assert "defect" not in describe_findings(node)["found"]


def test_without_a_pure_group_the_rarest_enriched_near_label_is_said():
    node = make_node([60, 40], [(1, "defect", 24, 0.6, 1e-3)], [("good", 70), ("defect", 30)])
    assert "60 % of the 40 images in group 1 are “defect”; of all images 30 % are." in describe_findings(node)["found"]


def test_no_structure_one_large_group_and_untrained_weights_are_said_plainly():
    none = make_node([60, 40], structure=WEAK | {"strength": "none", "agreement": 0.5})
    assert describe_findings(none)["found"].startswith("No structure was found in these 100 images")
    assert describe_findings(none)["sure"].startswith("Do not build on them")
    lopsided = make_node([2617, 4, 3])
    assert "One group holds 99.7 % of the 2624 images; 7 images are set apart." in describe_findings(lopsided)["found"]
    untrained = describe_findings(make_node([60, 40], structure=WEAK | {"strength": "clear"}), untrained=True)
    assert untrained["state"] == "none" and "not trained" in untrained["sure"]
    assert "cannot be told" in describe_findings(make_node([60, 40], structure=None))["sure"]


@pytest.mark.parametrize("state", ["better", "no_better"])
def test_the_verdict_stands_beside_with_its_p(state):
    verdict = {"state": state, "headline": "The groups do something"}
    sure = describe_findings(make_node([6, 4], verdict=verdict, ami=0.314, p_value=0.005))["sure"]
    assert "The groups do something (AMI 0.31" in sure and "p = 0.005" in sure


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([3], "3"), ([1, 2], "1 and 2"), ([1, 2, 3], "1, 2 and 3"), (list(range(9)), "0, 1, 2, 3, 4, 5 and 3 more")],
)
def test_numbers_are_joined_as_in_a_sentence(numbers, said):
    assert join_numbers(numbers) == said


def test_shares_are_of_labelled_images_alone_and_nothing_is_rounded_to_all():
    some = make_node([60, 40], [(1, "defect", 10, 1.0, 1e-3)], [("good", 15), ("defect", 15)])
    said = describe_findings(some)["found"]
    assert "All 10 labelled images in group 1 are “defect”; of all labelled images 50 % are." in said
    nearly = make_node([4000, 6000], [(0, "good", 3999, 3999 / 4000, 1e-3)], [("good", 5000), ("defect", 5000)])
    assert "99.9 % of the 4000 images in group 0 are “good”" in describe_findings(nearly)["found"]
