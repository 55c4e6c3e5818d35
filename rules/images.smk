# From a data set as it lies on disk to the list of its good images and their near-labels.


rule draw_synthetic:
    input:
        checkout=CHECKOUT,
    output:
        images=directory(run_files.SYNTHETIC),
        table=run_files.SYNTHETIC_TABLE,
    log:
        run_files.log("draw_synthetic", "dataset"),
    benchmark:
        run_files.benchmark("draw_synthetic", "dataset")
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
        strips=of_plan(datasets.synthetic_strips, "dataset"),
        seed=seed_of("synthetic/{dataset}"),
    script:
        "../workflow_scripts/draw_synthetic.py"


# Knows classes as the data set names them, but no near-labels: only a balanced sample depends on those.
rule check_images:
    input:
        made=of_plan(datasets.reader_input, "dataset"),
        near_labels=of_plan(datasets.sample_labels_file, "dataset"),
        checkout=CHECKOUT,
    output:
        images=run_files.IMAGES,
        rejected=run_files.REJECTED,
        ledger=run_files.LEDGER,
    log:
        run_files.log("check_images", "dataset"),
    benchmark:
        run_files.benchmark("check_images", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(datasets.reading_threads, "dataset")
    resources:
        # Each thread holds one image.
        mem_mb=memory(2000),
        runtime=hours(2),
        batched=1,
    params:
        library=library_hash("check_images"),
        spec=of_plan(datasets.reader_spec, "dataset"),
        listing=of_plan(datasets.reader_listing, "dataset"),
        sample=of_plan(datasets.sample, "dataset"),
        min_accepted=lambda w: PLAN.config.datasets[w.dataset].min_accepted,
        max_pixels=lambda w: PLAN.config.datasets[w.dataset].max_pixels,
        max_aspect=lambda w: PLAN.config.datasets[w.dataset].max_aspect,
        scale=of_plan(datasets.scale, "dataset"),
    script:
        "../workflow_scripts/check_images.py"


rule assign_near_labels:
    input:
        images=run_files.IMAGES,
        near_labels=of_plan(datasets.near_labels_file, "dataset"),
        checkout=CHECKOUT,
    output:
        near_labels=run_files.NEAR_LABELS,
    log:
        run_files.log("assign_near_labels", "dataset"),
    benchmark:
        run_files.benchmark("assign_near_labels", "dataset")
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
        near_labels=lambda w: PLAN.config.datasets[w.dataset].near_labels,
    script:
        "../workflow_scripts/assign_near_labels.py"


# Second labels, of tables that have them: what they hold changes no image, no feature and no cluster. The table itself
# counts by the listing that `check_images` depends on.
rule read_columns:
    input:
        images=run_files.IMAGES,
        checkout=CHECKOUT,
    output:
        columns=run_files.COLUMNS,
    log:
        run_files.log("read_columns", "dataset"),
    benchmark:
        run_files.benchmark("read_columns", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Two small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("read_columns"),
        spec=of_plan(datasets.reader_spec, "dataset"),
        columns=of_plan(datasets.extra_columns, "dataset"),
    script:
        "../workflow_scripts/read_columns.py"


# Near-duplicates never lie on both sides of a fold, whether a network or a model on top of the clusters is tested.
rule hash_images:
    input:
        images=run_files.IMAGES,
        checkout=CHECKOUT,
    output:
        hashes=run_files.HASHES,
        duplicates=run_files.NEAR_DUPLICATES,
    log:
        run_files.log("hash_images", "dataset"),
    benchmark:
        run_files.benchmark("hash_images", "dataset")
    # Much waits for it.
    priority: 1
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(datasets.reading_threads, "dataset")
    resources:
        # A thumbnail of 4 kB for each image; pairs in blocks.
        mem_mb=memory(2000),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("hash_images"),
    script:
        "../workflow_scripts/hash_images.py"
