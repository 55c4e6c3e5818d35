from snakemake.utils import min_version

min_version("9.20")


# The embedded demo loads only when the user names no config file.
if not workflow.config_settings.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


# What `snakemake --report` says of the run.
report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/common_run.smk"
include: "rules/common_grouping.smk"
include: "rules/common_report.smk"
include: "rules/images.smk"
include: "rules/features.smk"
include: "rules/grouping.smk"
include: "rules/models.smk"
include: "rules/learning.smk"
include: "rules/labelling.smk"
include: "rules/production.smk"
include: "rules/explorer.smk"
include: "rules/report.smk"


onstart:
    CALL.begin()


onsuccess:
    CALL.succeed()


onerror:
    CALL.fail()


rule grouping:
    input:
        grouping.per_dataset(PLAN, run_files.IMAGES),
        grouping.per_dataset(PLAN, run_files.REJECTED),
        grouping.per_dataset(PLAN, run_files.NEAR_LABELS),
        grouping.grouped_features(PLAN),
        per_node_encoder(run_files.SCORES),
        per_node(run_files.SELECTION),
        per_node(run_files.CLUSTERS),
        per_node(run_files.VERDICT),
        per_node(run_files.STABILITY),
        grouping.per_dataset(PLAN, run_files.GROUPS),
        grouping.level_tables(PLAN),
        grouping.per_classification(PLAN, run_files.MODEL),
    localrule: True


rule learning:
    input:
        learning.per_learnt(PLAN, run_files.IMAGES),
        learning.per_learnt(PLAN, run_files.REJECTED),
        learning.learnt_files(PLAN),
        learning.stopped_files(PLAN),
        reporting.run_learning_tables(PLAN),
        reporting.learning_figures(PLAN, "png"),
    localrule: True


# One call a round: the next images to label, the page to label them on, where labelling stands.
rule next_batch:
    input:
        of_plan(labelling.batch_files),
        fill(run_files.PAGE, run=PLAN.config.run),
    localrule: True


# When labelling has ended: the network, its threshold, how good it is.
rule finish:
    input:
        of_plan(labelling.final_files),
    localrule: True


# What labels new images, as a numbered bundle.
rule bundle:
    input:
        of_plan(production.bundle_files),
    localrule: True


rule report:
    input:
        fill(run_files.PAGE, run=PLAN.config.run),
        reporting.grouping_tables(PLAN, ("csv",)),
        node_figures("png"),
        per_node(run_files.SHEET_INDEX),
        per_node(run_files.CANDIDATE_INDEX),
        grouping.per_dataset(PLAN, run_files.EXPLORER),
        grouping.per_dataset(PLAN, run_files.DATASET_FIGURE, kind="tree", suffix="png"),
    localrule: True


rule all:
    default_target: True
    input:
        rules.grouping.input,
        rules.learning.input,
        rules.report.input,
        production.newest_files(PLAN),
    localrule: True
