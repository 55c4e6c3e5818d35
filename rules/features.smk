# Features of every image by every encoder, through the cache of images seen before.


# Where a job runs and finds its weights changes no number: not among the params, whose change would rerun it.
ENCODING_RESOURCES = {
    "gpu": lambda w: count_gpus(networks.all_encoders(PLAN)[w.encoder].device),
    "card": lambda w: count_card_jobs(networks.all_encoders(PLAN)[w.encoder].device),
    "workers": lambda w, threads: networks.count_workers(
        networks.all_encoders(PLAN)[w.encoder], threads
    ),
    "device": lambda w: networks.all_encoders(PLAN)[w.encoder].device,
    "weights_dir": lambda w: networks.all_encoders(PLAN)[w.encoder].weights_dir or "",
    "weights_mirror": lambda w: networks.all_encoders(PLAN)[w.encoder].weights_mirror
    or "",
}

ENCODING_PARAMS = {
    "encoder": of_plan(networks.encoder, "encoder"),
    "seed": of_plan(networks.encoder_seed, "encoder"),
    "reference_seed": of_plan(networks.reference_seed, "encoder"),
    "cache": run_files.FEATURE_CACHE,
}


# A part of a large data set, on any node; what it computes lies in the cache.
rule encode_part:
    input:
        images=run_files.IMAGES,
        own=of_plan(networks.encoder_files, "encoder"),
        first=of_plan(networks.first_part, "dataset", "encoder", "part"),
        checkout=CHECKOUT,
    output:
        part=run_files.FEATURE_PART,
    log:
        run_files.log("encode_part", "dataset", "encoder", "part", "parts"),
    benchmark:
        run_files.benchmark("encode_part", "dataset", "encoder", "part", "parts")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.encoding_threads, "dataset", "encoder")
    resources:
        **ENCODING_RESOURCES,
        mem_mb=networks.extraction_memory(PLAN),
        # Not more with each attempt: the next one goes on from the cache.
        runtime="12h",
    params:
        **ENCODING_PARAMS,
        library=library_hash("encode_part"),
    script:
        "../workflow_scripts/encode_part.py"


rule extract_features:
    input:
        images=run_files.IMAGES,
        own=of_plan(networks.encoder_files, "encoder"),
        parts=of_plan(networks.feature_parts, "dataset", "encoder"),
        checkout=CHECKOUT,
    output:
        features=run_files.FEATURES,
    log:
        run_files.log("extract_features", "dataset", "encoder"),
    benchmark:
        run_files.benchmark("extract_features", "dataset", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    # One for each process that encodes, or as many as the config says that its network takes; one to put parts together.
    threads: of_plan(networks.extraction_threads, "dataset", "encoder")
    resources:
        **ENCODING_RESOURCES,
        mem_mb=networks.extraction_memory(PLAN),
        # Not more with each attempt: the next one goes on from the cache.
        runtime="12h",
    params:
        **ENCODING_PARAMS,
        library=library_hash("extract_features"),
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
