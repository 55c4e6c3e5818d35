# Reduction, clustering sweep, scores and selection; the same rules at every node.


rule reduce_features:
    input:
        unpack(reduction_input),
        sources=sources("reduce_features"),
    output:
        reduced="results/{run}/{dataset}/grouping/{node}/{encoder}/reduced.h5",
    log:
        "results/{run}/logs/reduce_features/{dataset}/{node}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/reduce_features/{dataset}/{node}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        # Features in float32, their centred copy and the decomposition's in float64.
        mem_mb=lambda w, input: 1000 + 6 * int(input.size_mb),
        runtime="1h",
    params:
        reduction=reduction,
        seed=lambda w: derive_seed(PLAN.config.seed, f"reduce/{w.dataset}/{w.node}"),
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/reduce_features.py"


rule cluster_images:
    input:
        reduced="results/{run}/{dataset}/grouping/{node}/{encoder}/reduced.h5",
        sources=sources("cluster_images"),
    output:
        labels="results/{run}/{dataset}/grouping/{node}/{encoder}/labels/{algorithm}/{block}.h5",
    log:
        "results/{run}/logs/cluster_images/{dataset}/{node}/{encoder}/{algorithm}/{block}.log",
    benchmark:
        "results/{run}/benchmarks/cluster_images/{dataset}/{node}/{encoder}/{algorithm}/{block}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        mem_mb=4000,
        runtime="4h",
    params:
        algorithm=clustering_algorithm,
        ks=block_ks,
        seed=clustering_seed,
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/cluster_images.py"


rule score_clusterings:
    input:
        reduced="results/{run}/{dataset}/grouping/{node}/{encoder}/reduced.h5",
        labels=label_blocks,
        sources=sources("score_clusterings"),
    output:
        quality="results/{run}/{dataset}/grouping/{node}/{encoder}/quality.csv",
    log:
        "results/{run}/logs/score_clusterings/{dataset}/{node}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/score_clusterings/{dataset}/{node}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        mem_mb=4000,
        runtime="2h",
    params:
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/score_clusterings.py"


# The first job that sees near-labels: a changed one reruns from here.
rule evaluate_c_score:
    input:
        quality="results/{run}/{dataset}/grouping/{node}/{encoder}/quality.csv",
        labels=label_blocks,
        manifest="results/{run}/{dataset}/manifest.csv",
        sources=sources("evaluate_c_score"),
    output:
        scores="results/{run}/{dataset}/grouping/{node}/{encoder}/scores.csv",
    log:
        "results/{run}/logs/evaluate_c_score/{dataset}/{node}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_c_score/{dataset}/{node}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="1h",
    script:
        "../workflow_scripts/evaluate_c_score.py"


rule select_clustering:
    input:
        scores=selection_tables,
        reduced=per_encoder("reduced.h5"),
        labels=per_encoder_labels,
        sources=sources("select_clustering"),
    output:
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
    log:
        "results/{run}/logs/select_clustering/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/select_clustering/{dataset}/{node}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        criterion=lambda w: PLAN.level(w.node)["criterion"],
        choice=choice,
    script:
        "../workflow_scripts/select_clustering.py"
