import csv
import logging

from nearlabel.labelling.answers.merge import merge_files


def test_labels_of_images_of_the_line_are_no_problem_of_the_rounds(tmp_path, caplog):
    """Operators' files lie beside those of the rounds; their images are in another folder."""
    (tmp_path / "images.csv").write_text("image_id\na.png\n")
    rows = ["image_id,label", "a.png,good", "line/0f.png,good", "b.png,good", "line/1e.png,godo"]
    (tmp_path / "labels-eve.csv").write_text("\n".join(rows))
    output = {name: tmp_path / f"{name}.csv" for name in ("answers", "problems", "labels", "disagreements")}
    with caplog.at_level(logging.INFO):
        merge_files(
            [tmp_path / "labels-eve.csv"],
            tmp_path / "images.csv",
            labels=["good", "defect"],
            good="good",
            output=output,
        )
    problems = list(csv.DictReader(output["problems"].open(newline="")))
    assert [row["image_id"] for row in problems] == ["b.png", "line/1e.png"]
    assert [row["image_id"] for row in csv.DictReader(output["labels"].open(newline=""))] == ["a.png"]
    assert "1 labels are of images of the line" in caplog.text
