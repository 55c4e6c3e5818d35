"""The production end: a bundle of all that labels new images, a watcher, a database, a page for operators.

It runs on the line's machine, without Snakemake, config or report. Data flows novelty → bundle → labeller →
database → drift | streaming → outputs → watch → review → commands.
"""
