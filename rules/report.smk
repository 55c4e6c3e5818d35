# Figures, contact sheets, tables and the page that shows them.


rule plot_quality:
    input:
        scores=per_encoder("quality.csv"),
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        sources=sources("plot_quality"),
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
        mem_mb=1000,
        runtime="10m",
    script:
        "../workflow_scripts/plot_quality.py"


rule plot_clusters:
    input:
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        manifest="results/{run}/{dataset}/manifest.csv",
        sources=sources("plot_clusters"),
    output:
        multiext(
            "results/{run}/figures/{dataset}_{node}_clusters", svg=".svg", png=".png"
        ),
    log:
        "results/{run}/logs/plot_clusters/{dataset}/{node}.log",
    benchmark:
        "results/{run}/benchmarks/plot_clusters/{dataset}/{node}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    script:
        "../workflow_scripts/plot_clusters.py"


rule draw_contact_sheets:
    input:
        images="results/{run}/{dataset}/images.csv",
        reduced=per_encoder("reduced.h5"),
        selection="results/{run}/{dataset}/grouping/{node}/selection.json",
        clusters="results/{run}/{dataset}/grouping/{node}/clusters.csv",
        sources=sources("draw_contact_sheets"),
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
        mem_mb=2000,
        runtime="30m",
    script:
        "../workflow_scripts/draw_contact_sheets.py"


rule tabulate_grouping:
    input:
        scores=per_node_encoder("{dataset}/grouping/{node}/{encoder}/scores.csv"),
        reduced=per_node_encoder("{dataset}/grouping/{node}/{encoder}/reduced.h5"),
        selections=per_node("{dataset}/grouping/{node}/selection.json"),
        sources=sources("tabulate_grouping"),
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
        mem_mb=1000,
        runtime="10m",
    params:
        kinds={name: PLAN.config.datasets[name].kind for name in GROUPING.datasets},
    script:
        "../workflow_scripts/tabulate_grouping.py"


rule write_report:
    input:
        rejected=per_dataset("{dataset}/rejected.csv"),
        images=per_dataset("{dataset}/images.csv"),
        manifests=per_dataset("{dataset}/manifest.csv"),
        features=grouped_features(),
        scores=per_node_encoder("{dataset}/grouping/{node}/{encoder}/scores.csv"),
        reduced=per_node_encoder("{dataset}/grouping/{node}/{encoder}/reduced.h5"),
        selections=per_node("{dataset}/grouping/{node}/selection.json"),
        clusters=per_node("{dataset}/grouping/{node}/clusters.csv"),
        quality_figures=per_node("figures/{dataset}_{node}_quality.svg"),
        clusters_figures=per_node("figures/{dataset}_{node}_clusters.svg"),
        sheets=per_node("figures/{dataset}_{node}_sheets.csv"),
        table="results/{run}/tables/grouping.csv",
        sources=sources("write_report") + report_templates(),
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
        mem_mb=2000,
        runtime="30m",
    params:
        config=PLAN.config.model_dump(),
        datasets=GROUPING.datasets,
        nodes=PLAN.nodes,
    script:
        "../workflow_scripts/write_report.py"
