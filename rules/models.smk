# Models on top of the clusters: they tell a node's clusters, or the near-labels of its images.


rule train_models:
    input:
        features=of_plan(grouping.candidate_features, "dataset", "node"),
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        # What tells clusters does not depend on near-labels.
        near_labels=branch(
            lambda w: w.target == "near_labels", then=run_files.NEAR_LABELS
        ),
        clusters=run_files.CLUSTERS,
        selection=run_files.SELECTION,
        checkout=CHECKOUT,
    output:
        scores=run_files.MODEL_SCORES,
        confusion=run_files.MODEL_CONFUSION,
        predictions=run_files.MODEL_PREDICTIONS,
        rules=run_files.MODEL_RULES,
        model=run_files.MODEL,
        summary=run_files.MODEL_SUMMARY,
    log:
        run_files.log("train_models", "dataset", "node", "target"),
    benchmark:
        run_files.benchmark("train_models", "dataset", "node", "target")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        # Features of the winner in float64, and a copy for each fold and model at work.
        mem_mb=memory(2000, 10),
        runtime=hours(4),
    params:
        library=library_hash("train_models"),
        classification=of_plan(grouping.classification, "node", "target"),
        encoders=of_plan(grouping.classified_encoders, "node"),
        reduction=of_plan(grouping.reduction, "node"),
        seed=seed_of("classify/{dataset}/{node}/{target}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/train_models.py"
