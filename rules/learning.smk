# Active learning: folds, one run per strategy and fold, the bound, knees, models retrained at the cut-offs.


FOLD = "results/{run}/{dataset}/learning/{strategy}/fold{fold}"


rule decode_images:
    input:
        images="results/{run}/{dataset}/images.csv",
        script=script_file("decode_images"),
    output:
        images="results/{run}/{dataset}/images/{size}.h5",
    log:
        "results/{run}/logs/decode_images/{dataset}/{size}.log",
    benchmark:
        "results/{run}/benchmarks/decode_images/{dataset}/{size}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 2
    resources:
        # Each process holds one image; torch is imported.
        mem_mb=memory(3000),
        runtime=hours(2),
    params:
        library=library_hash("decode_images"),
        network=placed_network,
    script:
        "../workflow_scripts/decode_images.py"


# What is never trained gives the same for every strategy, fold and round.
rule encode_frozen_stages:
    input:
        images=decoded_images,
        own=network_files,
        script=script_file("encode_frozen_stages"),
    output:
        frozen="results/{run}/{dataset}/learning/frozen.h5",
    log:
        "results/{run}/logs/encode_frozen_stages/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/encode_frozen_stages/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: learning_threads
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["images"]),
        runtime=hours(4),
    params:
        library=library_hash("encode_frozen_stages"),
        network=network,
        fine_tune=lambda w: LEARNING.fine_tune,
        weights_seed=lambda w: weights_seed(PLAN.network),
    script:
        "../workflow_scripts/encode_frozen_stages.py"


rule split_folds:
    input:
        images="results/{run}/{dataset}/images.csv",
        manifest="results/{run}/{dataset}/manifest.csv",
        script=script_file("split_folds"),
    output:
        folds="results/{run}/{dataset}/learning/folds.csv",
    log:
        "results/{run}/logs/split_folds/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/split_folds/{dataset}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: 2
    resources:
        # One small image at a time; distances of their hashes, in blocks.
        mem_mb=memory(1000),
        runtime=hours(1),
        batched=1,
    params:
        library=library_hash("split_folds"),
        positive=lambda w: LEARNING.positive,
        folds=lambda w: LEARNING.folds,
        distance=lambda w: LEARNING.duplicate_distance,
        seed=lambda w: derive_seed(PLAN.config.seed, f"folds/{w.dataset}"),
    script:
        "../workflow_scripts/split_folds.py"


rule run_active_learning:
    input:
        **FOLD_INPUT,
        script=script_file("run_active_learning"),
    output:
        rounds=f"{FOLD}/rounds.csv",
        queries=f"{FOLD}/queries.csv",
        choices=f"{FOLD}/choices.json",
    log:
        "results/{run}/logs/run_active_learning/{dataset}/{strategy}/fold{fold}.log",
    benchmark:
        "results/{run}/benchmarks/run_active_learning/{dataset}/{strategy}/fold{fold}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: learning_threads
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        # Not more with each attempt: the next one goes on from the last finished round.
        runtime="24h",
    params:
        library=library_hash("run_active_learning"),
        fold=learnt_fold,
        strategy=query_strategy,
        settings=round_settings,
        fold_seed=fold_seed,
        query_seed=lambda w: derive_seed(fold_seed(w), f"query/{w.strategy}"),
        # A run that was killed goes on from its last round.
        states="results/cache/learning",
    script:
        "../workflow_scripts/run_active_learning.py"


rule train_full_pool:
    input:
        **FOLD_INPUT,
        script=script_file("train_full_pool"),
    output:
        bound="results/{run}/{dataset}/learning/full_pool/fold{fold}.json",
    log:
        "results/{run}/logs/train_full_pool/{dataset}/fold{fold}.log",
    benchmark:
        "results/{run}/benchmarks/train_full_pool/{dataset}/fold{fold}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: learning_threads
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(12),
    params:
        library=library_hash("train_full_pool"),
        fold=learnt_fold,
        settings=retrain_settings,
        fold_seed=fold_seed,
    script:
        "../workflow_scripts/train_full_pool.py"


rule find_knees:
    input:
        rounds=f"{FOLD}/rounds.csv",
        script=script_file("find_knees"),
    output:
        knees=f"{FOLD}/knees.json",
    log:
        "results/{run}/logs/find_knees/{dataset}/{strategy}/fold{fold}.log",
    benchmark:
        "results/{run}/benchmarks/find_knees/{dataset}/{strategy}/fold{fold}.tsv"
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
        knee=lambda w: LEARNING.knee.model_dump(),
    script:
        "../workflow_scripts/find_knees.py"


# All cut-offs of a run in one job: cut-offs at one round share their model, and starting torch takes longer than `head`.
rule retrain_batch:
    input:
        **FOLD_INPUT,
        queries=f"{FOLD}/queries.csv",
        knees=f"{FOLD}/knees.json",
        script=script_file("retrain_batch"),
    output:
        best=f"{FOLD}/batch_best.json",
        knee=f"{FOLD}/batch_knee.json",
        best_until_knee=f"{FOLD}/batch_best_until_knee.json",
    log:
        "results/{run}/logs/retrain_batch/{dataset}/{strategy}/fold{fold}.log",
    benchmark:
        "results/{run}/benchmarks/retrain_batch/{dataset}/{strategy}/fold{fold}.tsv"
    conda:
        "../envs/nearlabel.yaml"
    threads: learning_threads
    resources:
        **LEARNING_RESOURCES,
        # Torch, a batch in the network, and the pages of the mapped file, which SLURM counts too.
        mem_mb=memory(4000, 1, ["values"]),
        runtime=hours(12),
        batched=1,
    params:
        library=library_hash("retrain_batch"),
        fold=learnt_fold,
        settings=retrain_settings,
        fold_seed=fold_seed,
    script:
        "../workflow_scripts/retrain_batch.py"


rule summarise_learning:
    input:
        folds=learnt_files(),
        manifests=per_learnt("{dataset}/manifest.csv"),
        script=script_file("summarise_learning"),
    output:
        learning_tables(),
    log:
        "results/{run}/logs/summarise_learning.log",
    benchmark:
        "results/{run}/benchmarks/summarise_learning.tsv"
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
        datasets={name: PLAN.config.datasets[name].kind for name in LEARNT},
        strategies=strategy_names(),
        folds=LEARNING.folds if LEARNING else 0,
    script:
        "../workflow_scripts/summarise_learning.py"


rule plot_learning:
    input:
        folds=lambda w: fold_files(w.dataset),
        manifest="results/{run}/{dataset}/manifest.csv",
        script=script_file("plot_learning"),
    output:
        learning_svg="results/{run}/figures/{dataset}_learning.svg",
        learning_png="results/{run}/figures/{dataset}_learning.png",
        strategies_svg="results/{run}/figures/{dataset}_strategies.svg",
        strategies_png="results/{run}/figures/{dataset}_strategies.png",
    log:
        "results/{run}/logs/plot_learning/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/plot_learning/{dataset}.tsv"
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
        strategies=strategy_names(),
        folds=LEARNING.folds if LEARNING else 0,
    script:
        "../workflow_scripts/plot_learning.py"
