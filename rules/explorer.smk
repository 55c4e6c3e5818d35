# What the explorer shows of images: where they lie, how they fit their cluster, doubtful near-labels, small pictures.

from nearlabel.plan.report.explorer import explorer_files, explorer_settings


# No near-label and no name is looked at: only another choice of encoder draws a map again.
rule map_images:
    input:
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        checkout=CHECKOUT,
    output:
        map=run_files.MAP,
    log:
        run_files.log("map_images", "dataset", "node"),
    benchmark:
        run_files.benchmark("map_images", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        # Points and their copies; 90 neighbours of each.
        mem_mb=memory(1500, 6),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("map_images"),
        seed=seed_of("map/{dataset}/{node}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/map_images.py"


rule measure_images:
    input:
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
        checkout=CHECKOUT,
    output:
        measures=run_files.MEASURES,
    log:
        run_files.log("measure_images", "dataset", "node"),
    benchmark:
        run_files.benchmark("measure_images", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Points and their copies; distances a strip at a time.
        mem_mb=memory(1000, 6),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("measure_images"),
        seed=seed_of("measures/{dataset}/{node}"),
    script:
        "../workflow_scripts/measure_images.py"


rule find_suspects:
    input:
        reduced=lambda w: grouping.per_encoder(
            PLAN, run_files.REDUCED, w.dataset, "root"
        ),
        selection=fill(run_files.SELECTION, node="root"),
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        suspects=run_files.SUSPECTS,
    log:
        run_files.log("find_suspects", "dataset"),
    benchmark:
        run_files.benchmark("find_suspects", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Points and their copies; distances a strip at a time.
        mem_mb=memory(1000, 6),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("find_suspects"),
    script:
        "../workflow_scripts/find_suspects.py"


rule draw_thumbnails:
    input:
        images=run_files.IMAGES,
        checkout=CHECKOUT,
    output:
        thumbnails=directory(run_files.THUMBNAILS),
        index=run_files.THUMBNAIL_INDEX,
    log:
        run_files.log("draw_thumbnails", "dataset"),
    benchmark:
        run_files.benchmark("draw_thumbnails", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(datasets.reading_threads, "dataset")
    resources:
        # Each thread holds one image, and one sheet is drawn at a time.
        mem_mb=memory(2000),
        runtime=hours(2),
        batched=1,
    params:
        library=library_hash("draw_thumbnails"),
        seed=seed_of("thumbnails/{dataset}"),
    script:
        "../workflow_scripts/draw_thumbnails.py"


# The page of a data set: all that is known of its images, whatever is computed of them beside the groups.
rule write_explorer:
    input:
        unpack(of_plan(explorer_files, "dataset")),
        # A folder: how old it is says nothing, its index says when it was drawn.
        sheets=ancient(run_files.THUMBNAILS),
        maps=per_node_of_dataset(run_files.MAP),
        measures=per_node_of_dataset(run_files.MEASURES),
        stability=per_node_of_dataset(run_files.STABILITY),
        checkout=CHECKOUT,
    output:
        page=page(run_files.EXPLORER, "explorer"),
    log:
        run_files.log("write_explorer", "dataset"),
    benchmark:
        run_files.benchmark("write_explorer", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Rows of every image, and the page as text.
        mem_mb=memory(1500),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("write_explorer"),
        settings=of_plan(explorer_settings, "dataset"),
    script:
        "../workflow_scripts/write_explorer.py"
