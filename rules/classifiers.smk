# Models on top of the clusters: they tell a node's clusters, or the near-labels of its images.


CLASSIFIERS = "results/{run}/{dataset}/grouping/{node}/classifiers/{target}"


rule train_classifiers:
    input:
        features=lambda w: [
            f"results/{w.run}/{w.dataset}/features/{id}.h5"
            for id in PLAN.candidates(w.node)
        ],
        images="results/{run}/{dataset}/images.csv",
        # What tells clusters does not depend on near-labels.
        manifest=lambda w: (
            f"results/{w.run}/{w.dataset}/manifest.csv"
            if w.target == "near_labels"
            else []
        ),
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        script=script_file("train_classifiers"),
    output:
        scores=f"{CLASSIFIERS}/scores.csv",
        confusion=f"{CLASSIFIERS}/confusion.csv",
        predictions=f"{CLASSIFIERS}/predictions.csv",
        rules=f"{CLASSIFIERS}/rules.txt",
        model=f"{CLASSIFIERS}/model.skops",
        summary=f"{CLASSIFIERS}/summary.json",
    log:
        "results/{run}/logs/train_classifiers/{dataset}/{node}/{target}.log",
    benchmark:
        "results/{run}/benchmarks/train_classifiers/{dataset}/{node}/{target}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        # Features of the winner in float64, and a copy for each fold and model at work.
        mem_mb=memory(2000, 10),
        runtime=hours(4),
    params:
        library=library_hash("train_classifiers"),
        models=lambda w: classification(w)["models"],
        folds=lambda w: classification(w)["folds"],
        choose=lambda w: classification(w)["choose"],
        normal=lambda w: classification(w)["normal"],
        encoders=classified_encoders,
        reduction=reduction,
        seed=lambda w: derive_seed(
            PLAN.config.seed, f"classify/{w.dataset}/{w.node}/{w.target}"
        ),
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/train_classifiers.py"
