from snakemake.utils import min_version

min_version("9.20")


# The embedded demo loads only when the user names no config file.
if not workflow.config_settings.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/images.smk"
include: "rules/features.smk"
include: "rules/grouping.smk"
include: "rules/report.smk"


rule grouping:
    input:
        per_dataset("{dataset}/manifest.csv"),
        per_node("{dataset}/grouping/{node}/clusters.csv"),
    localrule: True


rule report:
    input:
        f"results/{PLAN.config.run}/report/index.html",
    localrule: True


rule all:
    default_target: True
    input:
        rules.grouping.input,
        rules.report.input,
    localrule: True
