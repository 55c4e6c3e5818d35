"""A data set that several jobs share out: they fill one cache, of which one job makes the feature file."""

import json
import shutil

import pytest


@pytest.mark.slow
def test_parts_are_jobs_and_make_the_same_bytes(workspace):
    features = workspace.folder / "results/tiny/steel/features/texture.h5"
    whole = features.read_bytes()
    config = workspace.config
    config["features"]["images_per_job"] = 9
    workspace.config = config
    parts = {f"encode_part({encoder}, {part}, 3)" for encoder in ("texture", "resnet18") for part in range(3)}
    planned = workspace.jobs()
    assert parts | {"extract_features(texture)", "extract_features(resnet18)"} <= planned
    assert not {job for job in planned if job.startswith(("check_images", "hash_images", "run_active_learning"))}
    target = str(features.relative_to(workspace.folder))
    shutil.rmtree(workspace.folder / "results/cache")
    workspace.snakemake(target)
    assert features.read_bytes() == whole
    written = [json.loads(file.read_text()) for file in sorted((features.parent / "texture").iterdir())]
    assert [facts["part"] for facts in written] == [0, 1, 2]
    assert sum(facts["images"] for facts in written) == 24
    kept = {facts["cache"] for facts in written}
    assert len(kept) == 1 and (workspace.folder / "results/cache" / kept.pop() / "encoder.json").exists()
    log = (workspace.folder / "results/tiny/logs/extract_features/steel/texture.log").read_text()
    assert "24 of unlike content, 24 of them in the cache" in log
    assert workspace.jobs(target) == set()
