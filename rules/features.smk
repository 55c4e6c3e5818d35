# Features of every image by every encoder, through the cache of images seen before.


rule extract_features:
    input:
        images="results/{run}/{dataset}/images.csv",
        own=encoder_files,
        sources=sources("extract_features"),
    output:
        features="results/{run}/{dataset}/features/{encoder}.h5",
    log:
        "results/{run}/logs/extract_features/{dataset}_{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/extract_features/{dataset}_{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    # One for the network, one for each process that decodes; the network's own number comes from the config.
    threads: lambda w: PLAN.encoders[w.encoder].threads + PLAN.encoders[w.encoder].workers
    resources:
        mem_mb=8000,
        runtime="12h",
    params:
        encoder=encoder,
        runtime=encoder_runtime,
        seed=encoder_seed,
        cache="results/cache",
    script:
        "../workflow_scripts/extract_features.py"
