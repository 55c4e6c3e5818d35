# Reduction, clustering sweep, scores and selection; the same rules at every node.


rule reduce_features:
    input:
        unpack(of_plan(grouping.reduction_files, "dataset", "node", "encoder")),
        checkout=CHECKOUT,
    output:
        reduced=run_files.REDUCED,
    log:
        run_files.log("reduce_features", "dataset", "node", "encoder"),
    benchmark:
        run_files.benchmark("reduce_features", "dataset", "node", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        # Features in float32, their centred copy and the decomposition's in float64.
        mem_mb=memory(1000, 6),
        runtime=hours(1),
        # A limit that stops a job or not changes no number: not among the params, whose change would rerun it.
        min_overlap=of_plan(grouping.overlap_wanted, "node"),
    params:
        library=library_hash("reduce_features"),
        reduction=of_plan(grouping.reduction, "node"),
        seed=seed_of("reduce/{dataset}/{node}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/reduce_features.py"


rule cluster_images:
    input:
        reduced=run_files.REDUCED,
        checkout=CHECKOUT,
    output:
        labels=run_files.LABELS,
    log:
        run_files.log(
            "cluster_images", "dataset", "node", "encoder", "algorithm", "block"
        ),
    benchmark:
        run_files.benchmark(
            "cluster_images", "dataset", "node", "encoder", "algorithm", "block"
        )
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        mem_mb=clustering_memory(PLAN, lambda w: [w.algorithm]),
        runtime=hours(4),
    params:
        library=library_hash("cluster_images"),
        clustering=of_plan(grouping.clustering, "dataset", "node", "algorithm", "block"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/cluster_images.py"


rule score_clusterings:
    input:
        reduced=run_files.REDUCED,
        labels=of_plan(grouping.label_blocks, "dataset", "node", "encoder"),
        checkout=CHECKOUT,
    output:
        quality=run_files.QUALITY,
        errors=run_files.SILHOUETTE_ERRORS,
    log:
        run_files.log("score_clusterings", "dataset", "node", "encoder"),
    benchmark:
        run_files.benchmark("score_clusterings", "dataset", "node", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        # Points in float64, a membership matrix for each clustering; distances a strip at a time.
        mem_mb=memory(1000, 6),
        runtime=hours(2),
        batched=1,
        # Where distances are computed changes no decision, and rounding in the last bits: as for encoders, no param.
        device=PLAN.grouping.device,
        gpu=count_gpus(PLAN.grouping.device),
        card=count_card_jobs(PLAN.grouping.device),
    params:
        library=library_hash("score_clusterings"),
        silhouettes=PLAN.grouping.silhouettes.model_dump(),
        # The same images for every encoder, so that their silhouettes compare.
        seed=seed_of("silhouettes/{dataset}/{node}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/score_clusterings.py"


# What the algorithms find alike, beyond what they do on structureless data; no label is looked at.
rule measure_agreement:
    input:
        reduced=run_files.REDUCED,
        labels=of_plan(grouping.label_blocks, "dataset", "node", "encoder"),
        checkout=CHECKOUT,
    output:
        agreement=run_files.AGREEMENT,
    log:
        run_files.log("measure_agreement", "dataset", "node", "encoder"),
    benchmark:
        run_files.benchmark("measure_agreement", "dataset", "node", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        # Labels of every clustering, and a sample of the points clustered again.
        mem_mb=memory(2000, 4),
        runtime=hours(2),
    params:
        library=library_hash("measure_agreement"),
        algorithms=of_plan(grouping.algorithms, "node"),
        structure=of_plan(grouping.structure, "node"),
        seed=seed_of("agreement/{dataset}/{node}/{encoder}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/measure_agreement.py"


# What the clusterings of different encoders share.
rule compare_encoders:
    input:
        reduced=per_encoder(run_files.REDUCED),
        labels=of_plan(grouping.per_encoder_labels, "dataset", "node"),
        checkout=CHECKOUT,
    output:
        consensus=run_files.CONSENSUS,
    log:
        run_files.log("compare_encoders", "dataset", "node"),
    benchmark:
        run_files.benchmark("compare_encoders", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Labels of every clustering.
        mem_mb=memory(1000, 2, ["labels"]),
        runtime=hours(1),
        batched=1,
        # The same word for every job of a group: SLURM's groups take no others side by side.
        device=PLAN.grouping.device,
    params:
        library=library_hash("compare_encoders"),
        networks=of_plan(grouping.networks, "node"),
        seed=seed_of("consensus/{dataset}/{node}"),
    script:
        "../workflow_scripts/compare_encoders.py"


# The first job that sees near-labels: a changed one reruns from here.
rule evaluate_c_score:
    input:
        quality=run_files.QUALITY,
        labels=of_plan(grouping.label_blocks, "dataset", "node", "encoder"),
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        scores=run_files.SCORES,
        null=run_files.NULL,
    log:
        run_files.log("evaluate_c_score", "dataset", "node", "encoder"),
    benchmark:
        run_files.benchmark("evaluate_c_score", "dataset", "node", "encoder")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # A column of numbers for each clustering, and its shuffled copies one at a time.
        mem_mb=memory(1000, 4, ["labels"]),
        runtime=hours(1),
        batched=1,
        device=PLAN.grouping.device,
    params:
        library=library_hash("evaluate_c_score"),
        permutations=PLAN.grouping.permutations,
        seed=seed_of("null/{dataset}/{node}/{encoder}"),
    script:
        "../workflow_scripts/evaluate_c_score.py"


rule select_clustering:
    input:
        scores=of_plan(grouping.selection_tables, "dataset", "node"),
        agreement=per_encoder(run_files.AGREEMENT),
        consensus=run_files.CONSENSUS,
        reduced=per_encoder(run_files.REDUCED),
        labels=of_plan(grouping.per_encoder_labels, "dataset", "node"),
        checkout=CHECKOUT,
    output:
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
    log:
        run_files.log("select_clustering", "dataset", "node"),
    benchmark:
        run_files.benchmark("select_clustering", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Every label file, one at a time.
        mem_mb=memory(1000, 2, ["reduced", "labels"]),
        runtime=minutes(30),
        batched=1,
        device=PLAN.grouping.device,
        # In thousandths, as the other jobs of the group have no such word. No param, as it chooses no other clustering:
        # what the user has named keeps its number.
        min_overlap=round(1000 * PLAN.grouping.min_overlap),
    params:
        library=library_hash("select_clustering"),
        criterion=of_plan(grouping.criterion, "node"),
        choice=of_plan(grouping.choice, "node"),
    script:
        "../workflow_scripts/select_clustering.py"


# Beside the choice, not part of it: a changed near-label judges anew and chooses the same.
rule judge_selection:
    input:
        reduced=per_encoder(run_files.REDUCED),
        labels=of_plan(grouping.per_encoder_labels, "dataset", "node"),
        selection=run_files.SELECTION,
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        verdict=run_files.VERDICT,
    log:
        run_files.log("judge_selection", "dataset", "node"),
    benchmark:
        run_files.benchmark("judge_selection", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Every label file, as read and as counted.
        mem_mb=memory(1000, 3, ["labels"]),
        runtime=hours(1),
        batched=1,
        device=PLAN.grouping.device,
    params:
        library=library_hash("judge_selection"),
        permutations=PLAN.grouping.permutations,
        seed=seed_of("verdict/{dataset}/{node}"),
    script:
        "../workflow_scripts/judge_selection.py"


rule measure_stability:
    input:
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
        checkout=CHECKOUT,
    output:
        stability=run_files.STABILITY,
    log:
        run_files.log("measure_stability", "dataset", "node"),
    benchmark:
        run_files.benchmark("measure_stability", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: PLAN.grouping.threads
    resources:
        mem_mb=clustering_memory(PLAN, lambda w: PLAN.level(w.node).algorithms),
        runtime=hours(4),
    params:
        library=library_hash("measure_stability"),
        algorithms=of_plan(grouping.algorithms, "node"),
        silhouettes=PLAN.grouping.silhouettes.model_dump(),
        bootstraps=PLAN.grouping.bootstraps,
        seed=seed_of("stability/{dataset}/{node}"),
        threads=PLAN.grouping.threads,
    script:
        "../workflow_scripts/measure_stability.py"


# Only a tree that grows by itself waits for its own levels; one that the user expands is known beforehand.
if PLAN.grows:

    checkpoint plan_level:
        input:
            above=level_above,
            clusters=per_level_node(run_files.CLUSTERS),
            selections=per_level_node(run_files.SELECTION),
            reduced=level_reduced,
            near_labels=run_files.NEAR_LABELS,
            checkout=CHECKOUT,
        output:
            table=run_files.LEVELS,
        log:
            run_files.log("plan_level", "dataset", "level"),
        benchmark:
            run_files.benchmark("plan_level", "dataset", "level")
        conda:
            "../envs/nearlabel.yaml"
        threads: PLAN.grouping.threads
        resources:
            # The level's reduced features, of one node at a time; of a group without labels a sample, clustered.
            mem_mb=memory(2000, 4),
            runtime=hours(1),
        params:
            library=library_hash("plan_level"),
            limits=PLAN.grouping.expand_limits.model_dump(exclude={"max_level"}),
            deepest=lambda w: int(w.level) >= PLAN.last_level,
            wanted=lambda w: grouping.named_below(PLAN, int(w.level)),
            smallest_k=lambda w: grouping.smallest_k_below(PLAN, int(w.level)),
            next_level=lambda w: grouping.clustering_below(PLAN, int(w.level)),
            seed=seed_of("structure/{dataset}/{level}"),
            threads=PLAN.grouping.threads,
        script:
            "../workflow_scripts/plan_level.py"


rule collect_groups:
    input:
        clusters=per_node_of_dataset(run_files.CLUSTERS),
        near_labels=run_files.NEAR_LABELS,
        images=run_files.IMAGES,
        names=of_plan(grouping.names_file, "dataset"),
        checkout=CHECKOUT,
    output:
        groups=run_files.GROUPS,
        folder=directory(run_files.SORTED_IMAGES),
        # What the user has named, as it was then beside now.
        remembered=run_files.REMEMBERED,
        # What a checkpoint writes where the tree grows by itself.
        levels=grouping.written_levels(PLAN),
    log:
        run_files.log("collect_groups", "dataset"),
    benchmark:
        run_files.benchmark("collect_groups", "dataset")
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
        min_overlap=PLAN.grouping.min_overlap,
        copies=PLAN.grouping.groups == "copies",
    script:
        "../workflow_scripts/collect_groups.py"
