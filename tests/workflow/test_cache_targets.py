"""The targets that tell how large the cache is, and clear what no run needs."""


def test_the_cache_of_a_finished_run_is_needed_until_the_run_is_gone(workspace):
    cache = workspace.folder / "results/cache"
    said = workspace.snakemake("measure_cache").stdout
    assert "features of texture   tiny (texture)" in said and "features of resnet18  tiny (resnet18)" in said
    assert ", 0 bytes that nothing needs" in said
    # An older encoding, of which no feature file is made.
    old = cache / "0123456789abcdef"
    old.mkdir()
    (old / "encoder.json").write_text('{"encoder": "vgg16"}', encoding="utf-8")
    (old / "shard.h5").write_bytes(b"x" * 2048)
    assert "2.02 KiB  features of vgg16" in workspace.snakemake("measure_cache").stdout
    assert old.exists()
    assert "cleared: 2.02 KiB" in workspace.snakemake("clear_cache").stdout
    assert not old.exists() and len(list(cache.glob("*/encoder.json"))) == 2
    # Nothing that a result is made of was touched.
    assert "Nothing to be done" in workspace.snakemake().stderr
