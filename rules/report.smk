# Figures, contact sheets, tables and the page that shows them.


rule plot_quality:
    input:
        scores=per_encoder("quality.csv"),
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        script=script_file("plot_quality"),
    output:
        multiext(
            "results/{run}/figures/{dataset}_{node}_quality", svg=".svg", png=".png"
        ),
    log:
        "results/{run}/logs/plot_quality/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/plot_quality/{dataset}/{node}.tsv"
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
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        manifest="results/{run}/{dataset}/manifest.csv",
        names=names_file,
        script=script_file("plot_clusters"),
    output:
        clusters_svg="results/{run}/figures/{dataset}_{node}_clusters.svg",
        clusters_png="results/{run}/figures/{dataset}_{node}_clusters.png",
        near_labels_svg="results/{run}/figures/{dataset}_{node}_near_labels.svg",
        near_labels_png="results/{run}/figures/{dataset}_{node}_near_labels.png",
    log:
        "results/{run}/logs/plot_clusters/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/plot_clusters/{dataset}/{node}.tsv"
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
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        manifest="results/{run}/{dataset}/manifest.csv",
        names=names_file,
        script=script_file("plot_dendrogram"),
    output:
        svg="results/{run}/figures/{dataset}_{node}_dendrogram.svg",
        png="results/{run}/figures/{dataset}_{node}_dendrogram.png",
    log:
        "results/{run}/logs/plot_dendrogram/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/plot_dendrogram/{dataset}/{node}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=clustering_memory(lambda w: linkages(w.node)),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("plot_dendrogram"),
        linkages=lambda w: linkages(w.node),
        neighbors=lambda w: merged_neighbors(w.node),
    script:
        "../workflow_scripts/plot_dendrogram.py"


rule plot_agreement:
    input:
        scores=per_encoder("scores.csv"),
        nulls=per_encoder("null.csv"),
        reduced=per_encoder("reduced.h5"),
        labels=per_encoder_labels,
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        manifest="results/{run}/{dataset}/manifest.csv",
        script=script_file("plot_agreement"),
    output:
        convergence_svg="results/{run}/figures/{dataset}_{node}_convergence.svg",
        convergence_png="results/{run}/figures/{dataset}_{node}_convergence.png",
        algorithms_svg="results/{run}/figures/{dataset}_{node}_algorithms.svg",
        algorithms_png="results/{run}/figures/{dataset}_{node}_algorithms.png",
    log:
        "results/{run}/logs/plot_agreement/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/plot_agreement/{dataset}/{node}.tsv"
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
        images="results/{run}/{dataset}/images.csv",
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        script=script_file("draw_contact_sheets"),
    output:
        sheets=directory("results/{run}/figures/{dataset}_{node}_sheets"),
        index="results/{run}/figures/{dataset}_{node}_sheets.csv",
    log:
        "results/{run}/logs/draw_contact_sheets/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/draw_contact_sheets/{dataset}/{node}.tsv"
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


rule plot_tree:
    input:
        levels=lambda w: level_table(w.dataset, PLAN.last_level),
        groups="results/{run}/{dataset}/grouping/groups.csv",
        names=names_file,
        script=script_file("plot_tree"),
    output:
        svg="results/{run}/figures/{dataset}_tree.svg",
        png="results/{run}/figures/{dataset}_tree.png",
    log:
        "results/{run}/logs/plot_tree/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/plot_tree/{dataset}.tsv"
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


rule plot_classifiers:
    input:
        scores="results/{run}/{dataset}/grouping/{node}/classifiers/{target}/scores.csv",
        confusion="results/{run}/{dataset}/grouping/{node}/classifiers/{target}/confusion.csv",
        summary="results/{run}/{dataset}/grouping/{node}/classifiers/{target}/summary.json",
        model="results/{run}/{dataset}/grouping/{node}/classifiers/{target}/model.skops",
        names=names_file,
        script=script_file("plot_classifiers"),
    output:
        classifiers_svg="results/{run}/figures/{dataset}_{node}_{target}_classifiers.svg",
        classifiers_png="results/{run}/figures/{dataset}_{node}_{target}_classifiers.png",
        decision_tree_svg="results/{run}/figures/{dataset}_{node}_{target}_decision_tree.svg",
        decision_tree_png="results/{run}/figures/{dataset}_{node}_{target}_decision_tree.png",
    log:
        "results/{run}/logs/plot_classifiers/{dataset}/{node}/{target}.log",
    benchmark:
        "results/{run}/benchmarks/plot_classifiers/{dataset}/{node}/{target}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables and one model.
        mem_mb=memory(1000, 4),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_classifiers"),
    script:
        "../workflow_scripts/plot_classifiers.py"


rule tabulate_grouping:
    input:
        scores=per_node_encoder("{dataset}/grouping/{node}/{encoder}/scores.csv"),
        reduced=per_node_encoder("{dataset}/grouping/{node}/{encoder}/reduced.h5"),
        selections=per_node("{dataset}/grouping/{node}/selection.json"),
        script=script_file("tabulate_grouping"),
    output:
        multiext("results/{run}/tables/grouping", csv=".csv", md=".md", tex=".tex"),
    log:
        "results/{run}/logs/tabulate_grouping.log",
    benchmark:
        "results/{run}/benchmarks/tabulate_grouping.tsv"
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
        kinds={name: PLAN.config.datasets[name].kind for name in GROUPING.datasets},
    script:
        "../workflow_scripts/tabulate_grouping.py"


rule tabulate_clusters:
    input:
        clusters=per_node("{dataset}/grouping/{node}/clusters.csv"),
        stability=per_node("{dataset}/grouping/{node}/stability.csv"),
        manifests=per_dataset("{dataset}/manifest.csv"),
        names=[file for file in GROUPING.names.values()],
        script=script_file("tabulate_clusters"),
    output:
        clusters_csv="results/{run}/tables/clusters.csv",
        clusters_md="results/{run}/tables/clusters.md",
        clusters_tex="results/{run}/tables/clusters.tex",
        enrichment_csv="results/{run}/tables/enrichment.csv",
        enrichment_md="results/{run}/tables/enrichment.md",
        enrichment_tex="results/{run}/tables/enrichment.tex",
    log:
        "results/{run}/logs/tabulate_clusters.log",
    benchmark:
        "results/{run}/benchmarks/tabulate_clusters.tsv"
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
        names=GROUPING.names,
    script:
        "../workflow_scripts/tabulate_clusters.py"


rule tabulate_classifiers:
    input:
        summaries=per_classification(
            "{dataset}/grouping/{node}/classifiers/{target}/summary.json"
        ),
        script=script_file("tabulate_classifiers"),
    output:
        multiext("results/{run}/tables/classifiers", csv=".csv", md=".md", tex=".tex"),
    log:
        "results/{run}/logs/tabulate_classifiers.log",
    benchmark:
        "results/{run}/benchmarks/tabulate_classifiers.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("tabulate_classifiers"),
    script:
        "../workflow_scripts/tabulate_classifiers.py"


rule write_report:
    input:
        rejected=per_dataset("{dataset}/rejected.csv"),
        images=per_dataset("{dataset}/images.csv"),
        manifests=per_dataset("{dataset}/manifest.csv"),
        features=grouped_features(),
        scores=per_node_encoder("{dataset}/grouping/{node}/{encoder}/scores.csv"),
        silhouettes=per_node_encoder(
            "{dataset}/grouping/{node}/{encoder}/silhouette_error.csv"
        ),
        reduced=per_node_encoder("{dataset}/grouping/{node}/{encoder}/reduced.h5"),
        selections=per_node("{dataset}/grouping/{node}/selection.json"),
        clusters=per_node("{dataset}/grouping/{node}/clusters.csv"),
        sheets=per_node("figures/{dataset}_{node}_sheets.csv"),
        figures=node_figures(".svg"),
        trees=per_dataset("figures/{dataset}_tree.svg"),
        groups=per_dataset("{dataset}/grouping/groups.csv"),
        levels=[level_table(name, PLAN.last_level) for name in GROUPING.datasets],
        names=[file for file in GROUPING.names.values()],
        grouping_tables=grouping_tables(("csv",)),
        classifiers=classifier_files,
        learning_folds=learnt_files(),
        learning_manifests=per_learnt("{dataset}/manifest.csv"),
        learning_figures=learning_figures(".svg"),
        script=script_file("write_report"),
        templates=report_templates(),
    output:
        page="results/{run}/report/index.html",
    log:
        "results/{run}/logs/write_report.log",
    benchmark:
        "results/{run}/benchmarks/write_report.tsv"
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
        datasets=GROUPING.datasets,
        nodes=lambda w: {name: clustered_nodes(name) for name in GROUPING.datasets},
        learning=shown_learning(),
        classifications=list(PLAN.classifications),
    script:
        "../workflow_scripts/write_report.py"
