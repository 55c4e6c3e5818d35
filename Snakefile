from snakemake.utils import min_version

min_version("9.20")


# The embedded demo loads only when the user names no config file.
if not workflow.config_settings.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/common_resources.smk"
include: "rules/common_grouping.smk"
include: "rules/common_learning.smk"
include: "rules/common_report.smk"
include: "rules/images.smk"
include: "rules/features.smk"
include: "rules/grouping.smk"
include: "rules/classifiers.smk"
include: "rules/learning.smk"
include: "rules/report.smk"


rule grouping:
    input:
        per_dataset("{dataset}/images.csv"),
        per_dataset("{dataset}/rejected.csv"),
        per_dataset("{dataset}/manifest.csv"),
        grouped_features(),
        per_node_encoder("{dataset}/grouping/{node}/{encoder}/scores.csv"),
        per_node("{dataset}/grouping/{node}/selection.json"),
        per_node("{dataset}/grouping/{node}/clusters.csv"),
        per_node("{dataset}/grouping/{node}/stability.csv"),
        per_dataset("{dataset}/grouping/groups.csv"),
        [level_table(name, PLAN.last_level) for name in GROUPING.datasets],
        per_classification("{dataset}/grouping/{node}/classifiers/{target}/model.skops"),
    localrule: True


rule learning:
    input:
        per_learnt("{dataset}/images.csv"),
        per_learnt("{dataset}/rejected.csv"),
        learnt_files(),
        run_learning_tables(),
        learning_figures(".png"),
    localrule: True


rule report:
    input:
        f"results/{PLAN.config.run}/report/index.html",
        grouping_tables(("csv",)),
        node_figures(".png"),
        per_node("figures/{dataset}_{node}_sheets.csv"),
        per_dataset("figures/{dataset}_tree.png"),
    localrule: True


rule all:
    default_target: True
    input:
        rules.grouping.input,
        rules.learning.input,
        rules.report.input,
    localrule: True
