# Active learning: folds, runs of each strategy on each fold, the bound, knees, models retrained at the cut-offs.

from functools import partial

from nearlabel.report.catalogue import (
    LEARNING_FIGURES,
    LEARNING_TABLES,
    STOPPING_FIGURES,
    STOPPING_TABLES,
)

# Where a job runs and finds its weights changes no number: not among the params, whose change would rerun it.
LEARNING_RESOURCES = {
    "gpu": lambda w: count_gpus(PLAN.network.device),
    "card": lambda w: count_card_jobs(PLAN.network.device),
    "device": lambda w: PLAN.network.device,
    "weights_dir": lambda w: PLAN.network.weights_dir or "",
    "weights_mirror": lambda w: PLAN.network.weights_mirror or "",
}

# One job runs one fold, or all folds of a strategy. Files are the same, and params are those of all folds either way, so
# that going from one to the other runs nothing again but what reads files of all folds.
FOLD = learning.fold_wildcard(PLAN)

each_fold = partial(learning.job_files, PLAN)

# After each round, where a stopping rule looks at them.
PROBABILITIES = learning.kept_probabilities(PLAN)

LEARNING_INPUT = {
    "values": networks.learnt_values(PLAN),
    "folds": run_files.FOLDS,
    "near_labels": run_files.NEAR_LABELS,
    "own": of_plan(networks.network_files),
}


rule decode_images:
    input:
        images=run_files.IMAGES,
        checkout=CHECKOUT,
    output:
        images=run_files.DECODED,
    log:
        run_files.log("decode_images", "dataset", "size"),
    benchmark:
        run_files.benchmark("decode_images", "dataset", "size")
    # Much waits for it.
    priority: 1
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(datasets.reading_threads, "dataset")
    resources:
        # Each thread holds one image; torch is imported.
        mem_mb=memory(3000),
        runtime=hours(2),
    params:
        library=library_hash("decode_images"),
        network=of_plan(networks.placed_network),
    script:
        "../workflow_scripts/decode_images.py"


# What is never trained gives the same for every strategy, fold and round.
rule encode_frozen_stages:
    input:
        images=networks.decoded_images(PLAN),
        own=of_plan(networks.network_files),
        checkout=CHECKOUT,
    output:
        frozen=run_files.FROZEN,
    log:
        run_files.log("encode_frozen_stages", "dataset"),
    benchmark:
        run_files.benchmark("encode_frozen_stages", "dataset")
    # Much waits for it.
    priority: 1
    conda:
        "../envs/nearlabel.yaml"
    # One for each process that computes, or as many as the config says that the network takes.
    threads: of_plan(networks.freezing_threads, "dataset")
    resources:
        **LEARNING_RESOURCES,
        workers=lambda w, threads: networks.count_workers(PLAN.network, threads),
        # Torch, a batch in each process, and the pages of the mapped file, which SLURM counts too.
        mem_mb=lambda w, input, attempt, threads: attempt
        * (
            networks.encoding_memory(PLAN.network, threads)
            + memory(0, 1, ["images"])(w, input, 1)
        ),
        runtime=hours(4),
    params:
        library=library_hash("encode_frozen_stages"),
        stages=of_plan(learning.frozen_stages),
    script:
        "../workflow_scripts/encode_frozen_stages.py"


rule split_folds:
    input:
        images=run_files.IMAGES,
        hashes=run_files.HASHES,
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        folds=run_files.FOLDS,
    log:
        run_files.log("split_folds", "dataset"),
    benchmark:
        run_files.benchmark("split_folds", "dataset")
    # Much waits for it.
    priority: 1
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Thumbnails, and distances of hashes in blocks.
        mem_mb=memory(2000),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("split_folds"),
        splitting=of_plan(learning.splitting, "dataset"),
    script:
        "../workflow_scripts/split_folds.py"


rule run_active_learning:
    input:
        **LEARNING_INPUT,
        novelty=of_plan(networks.query_novelty, "dataset", "strategy"),
        checkout=CHECKOUT,
    output:
        **({"probabilities": PROBABILITIES} if PROBABILITIES else {}),
        rounds=each_fold(run_files.ROUNDS),
        queries=each_fold(run_files.QUERIES),
        choices=each_fold(run_files.CHOICES),
        maps=each_fold(run_files.QUERY_MAPS),
    log:
        run_files.log("run_active_learning", "dataset", "strategy", *FOLD),
    benchmark:
        run_files.benchmark("run_active_learning", "dataset", "strategy", *FOLD)
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.learning_threads)
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        # Not more with each attempt: the next one goes on from the last finished round.
        runtime="24h",
    params:
        library=library_hash("run_active_learning"),
        learnt=of_plan(learning.learnt_folds),
        head_seeds=of_plan(learning.head_seeds, "dataset"),
        strategy=of_plan(learning.query_strategy, "strategy"),
        settings=of_plan(learning.round_settings),
        fold_seeds=of_plan(learning.fold_seeds, "dataset"),
        query_seeds=of_plan(learning.query_seeds, "dataset", "strategy"),
        # A run that was killed goes on from its last round.
        states=of_plan(learning.state_folders, "dataset", "strategy"),
    script:
        "../workflow_scripts/run_active_learning.py"


rule train_full_pool:
    input:
        **LEARNING_INPUT,
        checkout=CHECKOUT,
    output:
        bound=each_fold(run_files.FULL_POOL),
    log:
        run_files.log("train_full_pool", "dataset", *FOLD),
    benchmark:
        run_files.benchmark("train_full_pool", "dataset", *FOLD)
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.learning_threads)
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(12),
    params:
        library=library_hash("train_full_pool"),
        learnt=of_plan(learning.learnt_folds),
        head_seeds=of_plan(learning.head_seeds, "dataset"),
        settings=of_plan(learning.retrain_settings),
        fold_seeds=of_plan(learning.fold_seeds, "dataset"),
    script:
        "../workflow_scripts/train_full_pool.py"


rule find_knees:
    input:
        rounds=each_fold(run_files.ROUNDS),
        checkout=CHECKOUT,
    output:
        knees=each_fold(run_files.KNEES),
    log:
        run_files.log("find_knees", "dataset", "strategy", *FOLD),
    benchmark:
        run_files.benchmark("find_knees", "dataset", "strategy", *FOLD)
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One curve.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("find_knees"),
        knee=of_plan(learning.knee_settings),
    script:
        "../workflow_scripts/find_knees.py"


# What a strategy asked for, round by round: of fold 0, as the page shows it.
rule draw_queries:
    input:
        images=run_files.IMAGES,
        near_labels=run_files.NEAR_LABELS,
        decoded=networks.decoded_images(PLAN),
        queries=fill(run_files.QUERIES, fold=0),
        knees=fill(run_files.KNEES, fold=0),
        maps=fill(run_files.QUERY_MAPS, fold=0),
        checkout=CHECKOUT,
    output:
        sheet=run_files.ASKED_SHEET,
        index=run_files.ASKED_INDEX,
    log:
        run_files.log("draw_queries", "dataset", "strategy"),
    benchmark:
        run_files.benchmark("draw_queries", "dataset", "strategy")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One image at a time, one sheet, the maps of one fold.
        mem_mb=memory(1000, 4, ["maps"]),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("draw_queries"),
        positive=of_plan(learning.positive_label),
    script:
        "../workflow_scripts/draw_queries.py"


# Where stopping rules would have ended a run.
rule find_stops:
    input:
        rounds=each_fold(run_files.ROUNDS),
        queries=each_fold(run_files.QUERIES),
        bound=each_fold(run_files.FULL_POOL),
        probabilities=PROBABILITIES,
        folds=run_files.FOLDS,
        near_labels=run_files.NEAR_LABELS,
        checkout=CHECKOUT,
    output:
        stops=each_fold(run_files.STOPS),
    log:
        run_files.log("find_stops", "dataset", "strategy", *FOLD),
    benchmark:
        run_files.benchmark("find_stops", "dataset", "strategy", *FOLD)
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # One curve, and the probabilities of one fold twice.
        mem_mb=memory(1000, 2, ["probabilities"]),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("find_stops"),
        stopping=of_plan(learning.stopping_settings),
        seeds=of_plan(learning.stop_seeds, "dataset"),
    script:
        "../workflow_scripts/find_stops.py"


# All cut-offs of a run in one job: cut-offs at one round share their model.
rule retrain_batch:
    input:
        **LEARNING_INPUT,
        queries=each_fold(run_files.QUERIES),
        knees=each_fold(run_files.KNEES),
        checkout=CHECKOUT,
    output:
        **{
            cutoff: each_fold(fill(run_files.BATCH, cutoff=cutoff))
            for cutoff in run_files.CUTOFFS
        },
    log:
        run_files.log("retrain_batch", "dataset", "strategy", *FOLD),
    benchmark:
        run_files.benchmark("retrain_batch", "dataset", "strategy", *FOLD)
    conda:
        "../envs/nearlabel.yaml"
    threads: of_plan(networks.learning_threads)
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(12),
        batched=1,
    params:
        library=library_hash("retrain_batch"),
        learnt=of_plan(learning.learnt_folds),
        head_seeds=of_plan(learning.head_seeds, "dataset"),
        settings=of_plan(learning.retrain_settings),
        fold_seeds=of_plan(learning.fold_seeds, "dataset"),
    script:
        "../workflow_scripts/retrain_batch.py"


rule summarise_learning:
    input:
        folds=learning.learnt_files(PLAN),
        checkout=CHECKOUT,
    output:
        **tables("Learning", *LEARNING_TABLES),
    log:
        run_files.log("summarise_learning"),
    benchmark:
        run_files.benchmark("summarise_learning")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables of every fold.
        mem_mb=memory(1000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("summarise_learning"),
        datasets=learning.learnt_kinds(PLAN),
        strategies=learning.strategy_names(PLAN),
        folds=learning.count_folds(PLAN),
    script:
        "../workflow_scripts/summarise_learning.py"


rule plot_learning:
    input:
        folds=of_plan(learning.fold_files, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Learning", run_files.DATASET_FIGURE, *LEARNING_FIGURES),
    log:
        run_files.log("plot_learning", "dataset"),
    benchmark:
        run_files.benchmark("plot_learning", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables of every fold.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_learning"),
        strategies=learning.strategy_names(PLAN),
        folds=learning.count_folds(PLAN),
    script:
        "../workflow_scripts/plot_learning.py"


rule tabulate_stopping:
    input:
        stops=learning.stopped_files(PLAN),
        checkout=CHECKOUT,
    output:
        **tables("Learning", *STOPPING_TABLES),
    log:
        run_files.log("tabulate_stopping"),
    benchmark:
        run_files.benchmark("tabulate_stopping")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables of every fold.
        mem_mb=memory(1000),
        runtime=minutes(30),
        batched=1,
    params:
        library=library_hash("tabulate_stopping"),
        datasets=learning.learnt_datasets(PLAN),
        strategies=list(PLAN.strategies),
        folds=learning.count_folds(PLAN),
        rules=learning.stopping_rules(PLAN),
    script:
        "../workflow_scripts/tabulate_stopping.py"


rule plot_stopping:
    input:
        stops=of_plan(learning.stop_files, "dataset"),
        truth=of_plan(learning.targets_known_by, "dataset"),
        checkout=CHECKOUT,
    output:
        **figures("Learning", run_files.DATASET_FIGURE, *STOPPING_FIGURES),
    log:
        run_files.log("plot_stopping", "dataset"),
    benchmark:
        run_files.benchmark("plot_stopping", "dataset")
    conda:
        "../envs/nearlabel.yaml"
    threads: 1
    resources:
        # Small tables of every fold.
        mem_mb=memory(1000),
        runtime=minutes(10),
        batched=1,
    params:
        library=library_hash("plot_stopping"),
        strategies=list(PLAN.strategies),
        folds=learning.count_folds(PLAN),
        rules=learning.stopping_rules(PLAN),
        positive=of_plan(learning.positive_label),
    script:
        "../workflow_scripts/plot_stopping.py"
