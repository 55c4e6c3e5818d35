# Figures, contact sheets, tables and the page that shows them.

from nearlabel.plan.report.reruns import list_changes
from nearlabel.report.catalogue import MODEL_FIGURES


rule plot_quality:
    input:
        scores=per_encoder(run_files.QUALITY),
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.NODE_FIGURE, "quality"),
    log:
        run_files.log("plot_quality", "dataset", "node"),
    benchmark:
        run_files.benchmark("plot_quality", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Matplotlib and scikit-learn; the points and a few copies.
        mem_mb=memory(1000, 4),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_quality"),
    script:
        "../workflow_scripts/plot_quality.py"


rule plot_clusters:
    input:
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
        near_labels=run_files.NEAR_LABELS,
        names=of_plan(grouping.names_file, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.NODE_FIGURE, "clusters", "near_labels"),
    log:
        run_files.log("plot_clusters", "dataset", "node"),
    benchmark:
        run_files.benchmark("plot_clusters", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Matplotlib and scikit-learn; the points and a few copies.
        mem_mb=memory(1000, 4),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_clusters"),
    script:
        "../workflow_scripts/plot_clusters.py"


rule plot_dendrogram:
    input:
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
        near_labels=run_files.NEAR_LABELS,
        names=of_plan(grouping.names_file, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.NODE_FIGURE, "dendrogram"),
    log:
        run_files.log("plot_dendrogram", "dataset", "node"),
    benchmark:
        run_files.benchmark("plot_dendrogram", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=clustering_memory(PLAN, lambda w: grouping.linkages(PLAN, w.node)),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("plot_dendrogram"),
        linkages=of_plan(grouping.linkages, "node"),
        neighbors=of_plan(grouping.merged_neighbors, "node"),
    script:
        "../workflow_scripts/plot_dendrogram.py"


rule plot_agreement:
    input:
        scores=per_encoder(run_files.SCORES),
        nulls=per_encoder(run_files.NULL),
        reduced=per_encoder(run_files.REDUCED),
        labels=of_plan(grouping.per_encoder_labels, "dataset", "node"),
        selection=run_files.SELECTION,
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.NODE_FIGURE, "convergence", "algorithms"),
    log:
        run_files.log("plot_agreement", "dataset", "node"),
    benchmark:
        run_files.benchmark("plot_agreement", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Matplotlib and scikit-learn; the points and a few copies.
        mem_mb=memory(1000, 4),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_agreement"),
    script:
        "../workflow_scripts/plot_agreement.py"


rule draw_contact_sheets:
    input:
        images=run_files.IMAGES,
        reduced=per_encoder(run_files.REDUCED),
        selection=run_files.SELECTION,
        clusters=run_files.CLUSTERS,
        novelty=of_plan(grouping.novelty_files, "dataset", "node"),
        checkout=CHECKOUT,
    output:
        sheets=sheets(run_files.SHEETS),
        index=run_files.SHEET_INDEX,
    log:
        run_files.log("draw_contact_sheets", "dataset", "node"),
    benchmark:
        run_files.benchmark("draw_contact_sheets", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One sheet at a time.
        mem_mb=memory(1000, 4),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("draw_contact_sheets"),
    script:
        "../workflow_scripts/draw_contact_sheets.py"


# Clusterings that the user may want instead, each with a strip of faces for its largest clusters.
rule draw_candidates:
    input:
        images=run_files.IMAGES,
        reduced=per_encoder(run_files.REDUCED),
        labels=of_plan(grouping.per_encoder_labels, "dataset", "node"),
        selection=run_files.SELECTION,
        checkout=CHECKOUT,
    output:
        strips=directory(run_files.CANDIDATES),
        index=run_files.CANDIDATE_INDEX,
    log:
        run_files.log("draw_candidates", "dataset", "node"),
    benchmark:
        run_files.benchmark("draw_candidates", "dataset", "node")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One encoder's features and labels at a time.
        mem_mb=memory(1000, 4, ["reduced", "labels"]),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("draw_candidates"),
    script:
        "../workflow_scripts/draw_candidates.py"


rule plot_tree:
    input:
        levels=fill(run_files.LEVELS, level=PLAN.last_level),
        groups=run_files.GROUPS,
        names=of_plan(grouping.names_file, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.DATASET_FIGURE, "tree"),
    log:
        run_files.log("plot_tree", "dataset"),
    benchmark:
        run_files.benchmark("plot_tree", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_tree"),
    script:
        "../workflow_scripts/plot_tree.py"


rule plot_models:
    input:
        scores=run_files.MODEL_SCORES,
        confusion=run_files.MODEL_CONFUSION,
        summary=run_files.MODEL_SUMMARY,
        model=run_files.MODEL,
        names=of_plan(grouping.names_file, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Grouping", run_files.MODEL_FIGURE, *MODEL_FIGURES),
    log:
        run_files.log("plot_models", "dataset", "node", "target"),
    benchmark:
        run_files.benchmark("plot_models", "dataset", "node", "target")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables and one model.
        mem_mb=memory(1000, 4),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_models"),
    script:
        "../workflow_scripts/plot_models.py"


rule tabulate_grouping:
    input:
        scores=per_node_encoder(run_files.SCORES),
        reduced=per_node_encoder(run_files.REDUCED),
        selections=per_node(run_files.SELECTION),
        checkout=CHECKOUT,
    output:
        **tables("Grouping", "grouping"),
    log:
        run_files.log("tabulate_grouping"),
    benchmark:
        run_files.benchmark("tabulate_grouping")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("tabulate_grouping"),
        kinds=reporting.grouped_kinds(PLAN),
    script:
        "../workflow_scripts/tabulate_grouping.py"


rule tabulate_clusters:
    input:
        clusters=per_node(run_files.CLUSTERS),
        stability=per_node(run_files.STABILITY),
        near_labels=grouping.per_dataset(PLAN, run_files.NEAR_LABELS),
        names=list(PLAN.grouping.names.values()),
        checkout=CHECKOUT,
    output:
        **tables("Grouping", "clusters", "enrichment"),
    log:
        run_files.log("tabulate_clusters"),
    benchmark:
        run_files.benchmark("tabulate_clusters")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("tabulate_clusters"),
        names=PLAN.grouping.names,
    script:
        "../workflow_scripts/tabulate_clusters.py"


# Of data sets whose table has further columns; what these hold reaches nothing but this and the page.
rule tabulate_columns:
    input:
        clusters=per_node(run_files.CLUSTERS, reporting.with_columns(PLAN)),
        verdicts=per_node(run_files.VERDICT, reporting.with_columns(PLAN)),
        columns=reporting.columns_files(PLAN),
        checkout=CHECKOUT,
    output:
        **tables("Grouping", "columns", "column_enrichment"),
    log:
        run_files.log("tabulate_columns"),
    benchmark:
        run_files.benchmark("tabulate_columns")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("tabulate_columns"),
        permutations=PLAN.grouping.permutations,
        seed=derive_seed(PLAN.config.seed, "columns"),
    script:
        "../workflow_scripts/tabulate_columns.py"


rule tabulate_models:
    input:
        summaries=grouping.per_classification(PLAN, run_files.MODEL_SUMMARY),
        checkout=CHECKOUT,
    output:
        **tables("Grouping", "models"),
    log:
        run_files.log("tabulate_models"),
    benchmark:
        run_files.benchmark("tabulate_models")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("tabulate_models"),
    script:
        "../workflow_scripts/tabulate_models.py"


rule write_report:
    input:
        ledgers=reporting.ledgers(PLAN),
        near_duplicates=reporting.near_duplicates(PLAN),
        rejected=grouping.per_dataset(PLAN, run_files.REJECTED),
        images=grouping.per_dataset(PLAN, run_files.IMAGES),
        near_labels=grouping.per_dataset(PLAN, run_files.NEAR_LABELS),
        features=grouping.grouped_features(PLAN),
        scores=per_node_encoder(run_files.SCORES),
        silhouettes=per_node_encoder(run_files.SILHOUETTE_ERRORS),
        reduced=per_node_encoder(run_files.REDUCED),
        selections=per_node(run_files.SELECTION),
        clusters=per_node(run_files.CLUSTERS),
        measures=per_node(run_files.MEASURES),
        suspects=grouping.per_dataset(PLAN, run_files.SUSPECTS),
        thumbnails=ancient(grouping.per_dataset(PLAN, run_files.THUMBNAILS)),
        thumbnail_indices=grouping.per_dataset(PLAN, run_files.THUMBNAIL_INDEX),
        verdicts=per_node(run_files.VERDICT),
        # Folders: how old they are says nothing, their indices say when they were drawn.
        sheets=ancient(per_node(run_files.SHEETS)),
        sheet_indices=per_node(run_files.SHEET_INDEX),
        candidates=ancient(per_node(run_files.CANDIDATES)),
        candidate_indices=per_node(run_files.CANDIDATE_INDEX),
        figures=node_figures("svg"),
        groups=grouping.per_dataset(PLAN, run_files.GROUPS),
        levels=grouping.level_tables(PLAN),
        remembered=grouping.per_dataset(PLAN, run_files.REMEMBERED),
        names=list(PLAN.grouping.names.values()),
        grouping_tables=reporting.grouping_tables(PLAN, ("csv",)),
        models=reporting.model_files(PLAN),
        learning_folds=learning.learnt_files(PLAN),
        learning_near_labels=learning.per_learnt(PLAN, run_files.NEAR_LABELS),
        learning_figures=reporting.learning_figures(PLAN, "svg"),
        asked=reporting.asked_files(PLAN),
        stops=learning.stopped_files(PLAN),
        status=labelling.per_labelled(PLAN, run_files.STATUS),
        progress=labelling.per_labelled(
            PLAN, run_files.DATASET_FIGURE, kind=PROGRESS_FIGURE, suffix="svg"
        ),
        checkout=CHECKOUT,
    output:
        page=page(run_files.PAGE, "report"),
    log:
        run_files.log("write_report"),
    benchmark:
        run_files.benchmark("write_report")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # The page holds every figure and contact sheet as text.
        mem_mb=memory(2000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("write_report"),
        config=PLAN.config.model_dump(),
        command=os.environ["NEARLABEL_COMMAND"],
        nodes=lambda w: {name: clustered_nodes(name) for name in PLAN.grouping.datasets},
        learning=reporting.shown_learning(PLAN),
        changes=list_changes(PLAN),
        classifications=list(PLAN.classifications),
    script:
        "../workflow_scripts/write_report.py"
