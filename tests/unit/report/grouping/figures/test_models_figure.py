from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.report.base.tables import write_table
from nearlabel.report.grouping.figures import models
from nearlabel.report.grouping.figures.models import _arrange, _walk, plot_decision_tree, plot_models
from nearlabel.report.grouping.tables.models import COLUMNS, models_table

SCORES = ("balanced_accuracy", "macro_f1", "roc_auc")


def leaf(label, images=3):
    return {"label": label, "images": images, "right": images}


def question(yes, no, feature="component 1"):
    images = yes["images"] + no["images"]
    asked = {"feature": feature, "threshold": -0.25, "yes": yes, "no": no}
    return leaf(yes["label"], images) | {"right": yes["images"]} | asked


def make(classes, target="near_labels", tree=None):
    """A confusion table and a summary of one classifier and one detector."""
    rng = np.random.default_rng(0)
    rows = []
    for model, answers in (("svm", classes), ("$detector_", [classes[0], f"not {classes[0]}"])):
        rows += [(model, truth, said, int(rng.integers(0, 9))) for truth in classes for said in answers]
    models = [
        {"id": id, "name": name, "parameters": {}, "kind": kind}
        | {f"{score}{end}": 0.5 for score in SCORES for end in ("", "_std")}
        for id, name, kind in (("svm", "svm", "classifier"), ("$detector_", "isolation_forest", "detector"))
    ]
    summary = {
        "dataset": "steel",
        "node": "root.1",
        "target": target,
        "encoder": "texture",
        "images": 30,
        "classes": dict.fromkeys(classes, 30 // len(classes)),
        "folds": 3,
        "models": models,
        "chosen": "svm",
        "tree": tree and {"model": "svm", "root": tree},
    }
    return pd.DataFrame(rows, columns=["model", "truth", "predicted", "count"]), summary


def bytes_of(stem):
    return [stem.with_name(f"{stem.name}{suffix}").read_bytes() for suffix in (".svg", ".png")]


@pytest.mark.parametrize("count", [2, 13])
def test_confusions_repeat_their_bytes_at_any_number_of_classes(count, tmp_path):
    confusion, summary = make([str(number) for number in range(count)], "clusters")
    for name in ("one", "two"):
        plot_models(confusion, summary, tmp_path / name)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    plot_models(confusion, summary, tmp_path / "named", names={"root.1.0": "scratched"})
    assert bytes_of(tmp_path / "one") != bytes_of(tmp_path / "named")


def test_right_answers_of_a_detector_are_framed(monkeypatch):
    drawn = []
    monkeypatch.setattr(models, "save_figure", lambda figure, stem: drawn.append(figure))
    confusion, summary = make(["bad", "good", "odd"])
    confusion.loc[confusion["predicted"] == "bad", "predicted"] = "good"
    confusion.loc[confusion["predicted"] == "not bad", "predicted"] = "not good"
    confusion = confusion[confusion["model"] == "$detector_"]
    plot_models(confusion, summary | {"models": summary["models"][1:]}, "stem")
    axis = drawn[0].axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["good", "not good"]
    assert [patch.get_xy() for patch in axis.patches] == [(0.5, -0.5), (-0.5, 0.5), (0.5, 1.5)]
    confusion, summary = make(["bad", "good"])
    plot_models(confusion, summary | {"models": summary["models"][:1]}, "stem")
    assert not drawn[1].axes[0].patches


def test_labels_of_any_text_can_be_drawn(tmp_path):
    classes = ["$a_{b}$", "_hidden", "line\nbreak", "x" * 300]
    tree = question(leaf(classes[0]), question(leaf(classes[2]), leaf(classes[3])))
    confusion, summary = make(classes, tree=tree)
    plot_models(confusion, summary, tmp_path / "matrix")
    plot_decision_tree(summary, tmp_path / "tree")
    assert Image.open(tmp_path / "tree.png").width > 500


def test_a_tree_s_ends_follow_each_other_and_questions_stand_between_their_answers():
    tree = question(question(leaf("a"), leaf("b")), leaf("c"))
    boxes = list(_walk(_arrange(tree, 0, iter(range(9)))))
    assert [(box.node.get("feature", box.node["label"]), box.depth, box.row) for box in boxes] == [
        ("component 1", 0, 1.25),
        ("component 1", 1, 0.5),
        ("a", 2, 0),
        ("b", 2, 1),
        ("c", 1, 2),
    ]


def test_a_deeper_tree_is_a_larger_figure_and_a_lone_end_one_box(tmp_path):
    node, sizes = leaf("a"), []
    for depth in range(6):
        _, summary = make(["a", "b"], tree=node | ({"leaves": 7} if not depth else {}))
        plot_decision_tree(summary, tmp_path / str(depth))
        sizes.append(Image.open(tmp_path / f"{depth}.png").size)
        node = question(node, node)
    assert all(one[1] < other[1] for one, other in pairwise(sizes))
    assert sizes[5][0] > sizes[2][0]


def test_without_a_tree_the_figure_says_so(tmp_path):
    _, summary = make(["a", "b"])
    plot_decision_tree(summary, tmp_path / "tree")
    assert (tmp_path / "tree.svg").stat().st_size > 0


def test_the_table_has_a_row_per_model_and_marks_the_chosen(tmp_path):
    _, one = make(["a", "b"])
    _, two = make(["0", "1", "2"], "clusters")
    two["models"][1]["roc_auc"] = None
    table = models_table([one, two])
    assert list(table) == COLUMNS
    assert list(table["chosen"]) == [True, False, True, False]
    assert list(table["classes"]) == [2, 2, 3, 3]
    assert table["roc_auc"].isna().tolist() == [False, False, False, True]
    write_table(table, tmp_path / "classifiers", "Models.")
    assert "| steel | root.1 | clusters | svm | classifier | 30 | 3 | 3 | 0.5000 |" in (
        tmp_path / "classifiers.md"
    ).read_text(encoding="utf-8")
    assert list(models_table([])) == COLUMNS
