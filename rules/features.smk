# Features of every image by every encoder, through the cache of images seen before.


rule extract_features:
    input:
        images="results/{run}/{dataset}/images.csv",
        own=encoder_files,
        script=script_file("extract_features"),
    output:
        features="results/{run}/{dataset}/features/{encoder}.h5",
    log:
        "results/{run}/logs/extract_features/{dataset}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/extract_features/{dataset}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    # One for the network, one for each process that decodes; the network's own number comes from the config.
    threads: lambda w: PLAN.encoders[w.encoder].threads + PLAN.encoders[w.encoder].workers
    resources:
        # Images stream through: torch, and a batch inside the largest network (EfficientNet-B7, 32 images of 600 × 600).
        mem_mb=memory(8000),
        # Not more with each attempt: the next one goes on from the cache.
        runtime="12h",
        gpu=lambda w: gpus(PLAN.encoders[w.encoder]),
        # Where the job runs and finds its weights changes no number: not among the params, whose change would rerun it.
        workers=lambda w: PLAN.encoders[w.encoder].workers,
        device=lambda w: PLAN.encoders[w.encoder].device,
        weights_dir=lambda w: PLAN.encoders[w.encoder].weights_dir or "",
        weights_mirror=lambda w: PLAN.encoders[w.encoder].weights_mirror or "",
    params:
        library=library_hash("extract_features"),
        encoder=encoder,
        seed=encoder_seed,
        cache="results/cache",
    script:
        "../workflow_scripts/extract_features.py"
