# Reduction, clustering sweep, scores and selection; the same rules at every node.


rule reduce_features:
    input:
        unpack(reduction_input),
        script=script_file("reduce_features"),
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
        mem_mb=memory(1000, 6),
        runtime=hours(1),
        # A limit that stops a job or not changes no number: not among the params, whose change would rerun it.
        min_overlap=overlap_wanted,
    params:
        library=library_hash("reduce_features"),
        reduction=reduction,
        seed=lambda w: derive_seed(PLAN.config.seed, f"reduce/{w.dataset}/{w.node}"),
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/reduce_features.py"


rule cluster_images:
    input:
        reduced="results/{run}/{dataset}/grouping/{node}/{encoder}/reduced.h5",
        script=script_file("cluster_images"),
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
        mem_mb=clustering_memory(lambda w: [w.algorithm]),
        runtime=hours(4),
    params:
        library=library_hash("cluster_images"),
        clustering=clustering,
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/cluster_images.py"


rule score_clusterings:
    input:
        reduced="results/{run}/{dataset}/grouping/{node}/{encoder}/reduced.h5",
        labels=label_blocks,
        script=script_file("score_clusterings"),
    output:
        quality="results/{run}/{dataset}/grouping/{node}/{encoder}/quality.csv",
        errors="results/{run}/{dataset}/grouping/{node}/{encoder}/silhouette_error.csv",
    log:
        "results/{run}/logs/score_clusterings/{dataset}/{node}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/score_clusterings/{dataset}/{node}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        # Points in float64, a membership matrix for each clustering; distances a strip at a time.
        mem_mb=memory(1000, 6),
        runtime=hours(2),
        batched=1,
    params:
        library=library_hash("score_clusterings"),
        silhouettes=GROUPING.silhouettes.model_dump(),
        # The same images for every encoder, so that their silhouettes compare.
        seed=lambda w: derive_seed(
            PLAN.config.seed, f"silhouettes/{w.dataset}/{w.node}"
        ),
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/score_clusterings.py"


# The first job that sees near-labels: a changed one reruns from here.
rule evaluate_c_score:
    input:
        quality="results/{run}/{dataset}/grouping/{node}/{encoder}/quality.csv",
        labels=label_blocks,
        manifest="results/{run}/{dataset}/manifest.csv",
        script=script_file("evaluate_c_score"),
    output:
        scores="results/{run}/{dataset}/grouping/{node}/{encoder}/scores.csv",
        null="results/{run}/{dataset}/grouping/{node}/{encoder}/null.csv",
    log:
        "results/{run}/logs/evaluate_c_score/{dataset}/{node}/{encoder}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate_c_score/{dataset}/{node}/{encoder}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # A column of numbers for each clustering, and its shuffled copies one at a time.
        mem_mb=memory(1000, 4, ["labels"]),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("evaluate_c_score"),
        permutations=GROUPING.permutations,
        seed=lambda w: derive_seed(
            PLAN.config.seed, f"null/{w.dataset}/{w.node}/{w.encoder}"
        ),
    script:
        "../workflow_scripts/evaluate_c_score.py"


rule select_clustering:
    input:
        scores=selection_tables,
        reduced=per_encoder("reduced.h5"),
        labels=per_encoder_labels,
        script=script_file("select_clustering"),
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
        # Every label file, one at a time.
        mem_mb=memory(1000, 2, ["reduced", "labels"]),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("select_clustering"),
        criterion=lambda w: PLAN.level(w.node)["criterion"],
        choice=choice,
    script:
        "../workflow_scripts/select_clustering.py"


rule measure_stability:
    input:
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        script=script_file("measure_stability"),
    output:
        stability="results/{run}/{dataset}/grouping/{node}/stability.csv",
    log:
        "results/{run}/logs/measure_stability/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/measure_stability/{dataset}/{node}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: GROUPING.threads
    resources:
        mem_mb=clustering_memory(lambda w: PLAN.level(w.node)["algorithms"]),
        runtime=hours(4),
    params:
        library=library_hash("measure_stability"),
        algorithms=lambda w: {
            id: algorithm.model_dump()
            for id, algorithm in PLAN.level(w.node)["algorithms"].items()
        },
        silhouettes=GROUPING.silhouettes.model_dump(),
        bootstraps=GROUPING.bootstraps,
        seed=lambda w: derive_seed(PLAN.config.seed, f"stability/{w.dataset}/{w.node}"),
        threads=GROUPING.threads,
    script:
        "../workflow_scripts/measure_stability.py"


# Only a tree that grows by itself waits for its own levels; one that the user expands is known beforehand.
if PLAN.grows:

    checkpoint plan_level:
        input:
            above=level_above,
            clusters=level_nodes("clusters.csv"),
            selections=level_nodes("selection.json"),
            reduced=level_reduced,
            manifest="results/{run}/{dataset}/manifest.csv",
            script=script_file("plan_level"),
        output:
            table="results/{run}/{dataset}/grouping/levels/{level}.csv",
        log:
            "results/{run}/logs/plan_level/{dataset}/{level}.log",
        benchmark:
            "results/{run}/benchmarks/plan_level/{dataset}/{level}.tsv"
        conda:
            "../envs/nearlabel.yaml"
        threads: 1
        resources:
            # The level's reduced features, of one node at a time.
            mem_mb=memory(1000, 4),
            runtime=hours(1),
        params:
            library=library_hash("plan_level"),
            silhouettes=GROUPING.silhouettes.model_dump(),
            limits=GROUPING.expand_limits.model_dump(exclude={"max_level"}),
            deepest=lambda w: int(w.level) >= PLAN.last_level,
            wanted=named_below,
            smallest_k=smallest_k_below,
        script:
            "../workflow_scripts/plan_level.py"


rule collect_groups:
    input:
        clusters=per_node_of_dataset("clusters.csv"),
        manifest="results/{run}/{dataset}/manifest.csv",
        images="results/{run}/{dataset}/images.csv",
        names=names_file,
        script=script_file("collect_groups"),
    output:
        groups="results/{run}/{dataset}/grouping/groups.csv",
        folder=directory("results/{run}/{dataset}/grouping/groups"),
        # What a checkpoint writes where the tree grows by itself.
        levels=(
            []
            if PLAN.grows
            else [
                f"results/{{run}}/{{dataset}}/grouping/levels/{level}.csv"
                for level in range(PLAN.last_level + 1)
            ]
        ),
    log:
        "results/{run}/logs/collect_groups/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/collect_groups/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Tables with a row per image; images are linked or copied, not read.
        mem_mb=memory(1000, 4),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("collect_groups"),
        min_overlap=GROUPING.min_overlap,
        copies=GROUPING.groups == "copies",
    script:
        "../workflow_scripts/collect_groups.py"
