# From a data set as it lies on disk to the list of its good images and their near-labels.


rule draw_synthetic:
    input:
        script=script_file("draw_synthetic"),
    output:
        images=directory("results/{run}/{dataset}/synthetic"),
        table="results/{run}/{dataset}/synthetic.csv",
    log:
        "results/{run}/logs/draw_synthetic/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/draw_synthetic/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One strip at a time.
        mem_mb=memory(1000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("draw_synthetic"),
        strips=synthetic_strips,
        seed=lambda w: derive_seed(PLAN.config.seed, f"synthetic/{w.dataset}"),
    script:
        "../workflow_scripts/draw_synthetic.py"


# Knows classes as the data set names them, but no near-labels: only a balanced sample depends on those.
rule check_images:
    input:
        made=reader_input,
        near_labels=sample_labels_file,
        script=script_file("check_images"),
    output:
        images="results/{run}/{dataset}/images.csv",
        rejected="results/{run}/{dataset}/rejected.csv",
    log:
        "results/{run}/logs/check_images/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/check_images/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 2
    resources:
        # Each process holds one image.
        mem_mb=memory(2000),
        runtime=hours(2),
        batched=1,
    params:
        library=library_hash("check_images"),
        spec=reader_spec,
        listing=reader_listing,
        sample=sample,
        min_accepted=lambda w: chosen_dataset(w).min_accepted,
        max_pixels=lambda w: chosen_dataset(w).max_pixels,
    script:
        "../workflow_scripts/check_images.py"


rule assign_near_labels:
    input:
        images="results/{run}/{dataset}/images.csv",
        near_labels=near_labels_file,
        script=script_file("assign_near_labels"),
    output:
        manifest="results/{run}/{dataset}/manifest.csv",
    log:
        "results/{run}/logs/assign_near_labels/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/assign_near_labels/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Two small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("assign_near_labels"),
        near_labels=lambda w: chosen_dataset(w).near_labels,
    script:
        "../workflow_scripts/assign_near_labels.py"
