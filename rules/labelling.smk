# A person labels: answers merged, the next batch chosen and put on record, the page to label on, where labelling stands,
# and the network that it ends with.

from nearlabel.report.catalogue import FINAL_FIGURE, PROGRESS_FIGURE


rule merge_answers:
    input:
        images=run_files.IMAGES,
        answers=of_plan(labelling.label_files),
        checkout=CHECKOUT,
    output:
        answers=run_files.ANSWERS,
        problems=run_files.ANSWER_PROBLEMS,
        labels=run_files.GIVEN_LABELS,
        disagreements=run_files.DISAGREEMENTS,
    log:
        run_files.log("merge_answers", "dataset"),
    benchmark:
        run_files.benchmark("merge_answers", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("merge_answers"),
        labels=of_plan(labelling.label_names),
        contents=of_plan(labelling.label_contents),
        good=lambda w: PLAN.labelling.good,
    script:
        "../workflow_scripts/merge_answers.py"


rule choose_batch:
    input:
        values=networks.learnt_values(PLAN),
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        labels=run_files.GIVEN_LABELS,
        novelty=of_plan(labelling.novelty_files, "dataset"),
        own=of_plan(networks.network_files),
        checkout=CHECKOUT,
    output:
        queue=run_files.QUEUE,
        predictions=run_files.PREDICTIONS,
        overlays=run_files.OVERLAYS,
    log:
        run_files.log("choose_batch", "dataset"),
    benchmark:
        run_files.benchmark("choose_batch", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.learning_threads)
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(4),
    params:
        library=library_hash("choose_batch"),
        rounds=of_plan(labelling.rounds_folder),
        classifier=of_plan(labelling.classifier, "dataset"),
        training=of_plan(labelling.training),
        queries=of_plan(labelling.queries),
        settings=of_plan(labelling.choosing),
    script:
        "../workflow_scripts/choose_batch.py"


rule summarise_labelling:
    input:
        images=run_files.IMAGES,
        queue=run_files.QUEUE,
        predictions=run_files.PREDICTIONS,
        answers=run_files.ANSWERS,
        problems=run_files.ANSWER_PROBLEMS,
        labels=run_files.GIVEN_LABELS,
        checkout=CHECKOUT,
    output:
        status=run_files.STATUS,
    log:
        run_files.log("summarise_labelling", "dataset"),
    benchmark:
        run_files.benchmark("summarise_labelling", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables.
        mem_mb=memory(1000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("summarise_labelling"),
        rounds=of_plan(labelling.rounds_folder),
        certify=lambda w: PLAN.labelling.certify.model_dump(),
    script:
        "../workflow_scripts/summarise_labelling.py"


rule write_label_page:
    input:
        images=run_files.IMAGES,
        queue=run_files.QUEUE,
        overlays=run_files.OVERLAYS,
        labels=run_files.GIVEN_LABELS,
        status=run_files.STATUS,
        checkout=CHECKOUT,
    output:
        page=page(run_files.LABEL_PAGE, "label"),
    log:
        run_files.log("write_label_page", "dataset"),
    benchmark:
        run_files.benchmark("write_label_page", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # The page holds every image of the batch as text.
        mem_mb=memory(2000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("write_label_page"),
        page=of_plan(labelling.page_settings, "dataset"),
    script:
        "../workflow_scripts/write_label_page.py"


rule plot_labelling:
    input:
        status=run_files.STATUS,
        checkout=CHECKOUT,
    output:
        **figures("Labelling", run_files.DATASET_FIGURE, PROGRESS_FIGURE),
    log:
        run_files.log("plot_labelling", "dataset"),
    benchmark:
        run_files.benchmark("plot_labelling", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # A small table.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_labelling"),
    script:
        "../workflow_scripts/plot_labelling.py"


rule train_final:
    input:
        values=networks.learnt_values(PLAN),
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        labels=run_files.GIVEN_LABELS,
        queue=run_files.QUEUE,
        own=of_plan(networks.network_files),
        checkout=CHECKOUT,
    output:
        model=run_files.FINAL_MODEL,
        report=run_files.FINAL_REPORT,
        predictions=run_files.FINAL_PREDICTIONS,
        doubtful=run_files.FINAL_DOUBTFUL,
    log:
        run_files.log("train_final", "dataset"),
    benchmark:
        run_files.benchmark("train_final", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.learning_threads)
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(4),
    params:
        library=library_hash("train_final"),
        rounds=of_plan(labelling.rounds_folder),
        classifier=of_plan(labelling.classifier, "dataset"),
        training=of_plan(labelling.training),
        settings=of_plan(labelling.finishing),
    script:
        "../workflow_scripts/train_final.py"


rule plot_final:
    input:
        report=run_files.FINAL_REPORT,
        predictions=run_files.FINAL_PREDICTIONS,
        checkout=CHECKOUT,
    output:
        **figures("Labelling", run_files.DATASET_FIGURE, FINAL_FIGURE),
    log:
        run_files.log("plot_final", "dataset"),
    benchmark:
        run_files.benchmark("plot_final", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # A small table.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_final"),
    script:
        "../workflow_scripts/plot_final.py"


rule write_final_page:
    input:
        images=run_files.IMAGES,
        report=run_files.FINAL_REPORT,
        doubtful=run_files.FINAL_DOUBTFUL,
        status=run_files.STATUS,
        figure=fill(run_files.DATASET_FIGURE, kind=FINAL_FIGURE, suffix="svg"),
        checkout=CHECKOUT,
    output:
        page=page(run_files.FINAL_PAGE, "final"),
    log:
        run_files.log("write_final_page", "dataset"),
    benchmark:
        run_files.benchmark("write_final_page", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Some thumbnails.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("write_final_page"),
    script:
        "../workflow_scripts/write_final_page.py"
