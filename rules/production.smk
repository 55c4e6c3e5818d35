# The production end: all that labels new images, in a numbered folder. Numbered folders are no outputs: old ones stay,
# and a job that has nothing new to say keeps the newest.


rule fit_bundle:
    input:
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        near_labels=run_files.NEAR_LABELS,
        features=of_plan(production.features_files, "dataset"),
        clusters=per_node_of_dataset(run_files.CLUSTERS),
        selections=per_node_of_dataset(run_files.SELECTION),
        place=fill(run_files.MAP, node="root"),
        names=of_plan(grouping.names_file, "dataset"),
        answers=of_plan(production.answer_files),
        summary=of_plan(production.summary_files, "dataset"),
        network=of_plan(production.network_files, "dataset"),
        own=of_plan(production.own_files),
        checkout=CHECKOUT,
    output:
        newest=run_files.NEWEST_BUNDLE,
    log:
        run_files.log("fit_bundle", "dataset"),
    benchmark:
        run_files.benchmark("fit_bundle", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(datasets.reading_threads, "dataset")
    resources:
        # Torch, where weights or images of the line are looked at; features of every encoder, and copies in float64.
        mem_mb=memory(3000, 8, ["features"]),
        runtime=hours(2),
    params:
        library=library_hash("fit_bundle"),
        contents=of_plan(production.answer_contents),
        line=of_plan(production.line_listing),
        models=of_plan(production.models),
        settings=of_plan(production.settings),
        reductions=of_plan(production.reductions),
        encoders=of_plan(production.bundle_encoders),
        # Another place computes the same bundle, which then keeps its number.
        runtime=of_plan(production.runtime),
        cache=run_files.FEATURE_CACHE,
        seed=PLAN.config.seed,
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/fit_bundle.py"
