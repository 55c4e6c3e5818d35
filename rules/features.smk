# Features of every image by every encoder, through the cache of images seen before.


rule extract_features:
    input:
        images=run_files.IMAGES,
        own=of_plan(networks.encoder_files, "encoder"),
        checkout=CHECKOUT,
    output:
        features=run_files.FEATURES,
    log:
        run_files.log("extract_features", "dataset", "encoder"),
    benchmark:
        run_files.benchmark("extract_features", "dataset", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    # One for the network, one for each process that decodes; the network's own number comes from the config.
    threads: lambda w: networks.encoding_threads(networks.all_encoders(PLAN)[w.encoder])
    resources:
        # Images stream through: torch, and a batch inside the largest network (EfficientNet-B7, 32 images of 600 × 600).
        mem_mb=memory(8000),
        # Not more with each attempt: the next one goes on from the cache.
        runtime="12h",
        gpu=lambda w: count_gpus(networks.all_encoders(PLAN)[w.encoder].device),
        # Where the job runs and finds its weights changes no number: not among the params, whose change would rerun it.
        workers=lambda w: networks.all_encoders(PLAN)[w.encoder].workers,
        device=lambda w: networks.all_encoders(PLAN)[w.encoder].device,
        weights_dir=lambda w: networks.all_encoders(PLAN)[w.encoder].weights_dir or "",
        weights_mirror=lambda w: networks.all_encoders(PLAN)[w.encoder].weights_mirror
        or "",
    params:
        library=library_hash("extract_features"),
        encoder=of_plan(networks.encoder, "encoder"),
        seed=of_plan(networks.encoder_seed, "encoder"),
        reference_seed=of_plan(networks.reference_seed, "encoder"),
        cache=run_files.FEATURE_CACHE,
    script:
        "../workflow_scripts/extract_features.py"


# Asked for by name only: how large results/cache is and what needs it; and the same, clearing what no run needs.
rule measure_cache:
    log:
        run_files.log("measure_cache").format(run=PLAN.config.run),
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        unfinished=networks.unfinished_encoders(PLAN),
        delete=False,
    script:
        "../workflow_scripts/measure_cache.py"


use rule measure_cache as clear_cache with:
    log:
        run_files.log("clear_cache").format(run=PLAN.config.run),
    params:
        unfinished=networks.unfinished_encoders(PLAN),
        delete=True,
