"""What a run ran on: processor, memory, GPU, versions; time and memory of its stages, and what they warned of."""

import logging
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path

import pandas as pd

from nearlabel.features.encoding.needs import count_cores, machine_memory
from nearlabel.job_logs import collect_warnings

logger = logging.getLogger(__name__)

LIBRARIES = [
    "nearlabel",
    "snakemake",
    "torch",
    "torchvision",
    "scikit-learn",
    "scikit-image",
    "scipy",
    "numpy",
    "pandas",
    "h5py",
    "opentsne",
    "pillow",
    "matplotlib",
    "seaborn",
]
STAGE_COLUMNS = ["rule", "jobs", "total_seconds", "longest_seconds", "cpu_seconds", "peak_memory_mib"]


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a run's numbers depend on, by name."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def describe_machine() -> dict[str, str]:
    """Return processor, cores, memory, GPU and operating system of this machine as readable text, by name."""
    machine = {"processor": _processor(), "cores": f"{count_cores()} usable of {os.cpu_count()}"}
    if memory := machine_memory():
        machine["memory"] = f"{memory / 2**30:.1f} GiB"
    machine["gpu"] = _gpu()
    machine["system"] = f"{platform.system()} {platform.release()} ({platform.machine()})"
    return machine


def read_benchmark(path) -> pd.DataFrame:
    """Read one of Snakemake's benchmark files: s, max_rss (MiB), cpu_time (s) as numbers, NaN where it holds none."""
    try:
        frame = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    if "s" not in frame:
        logger.warning("%s is no benchmark file of a finished job; its time is missing in the report", path)
        frame = pd.DataFrame({"s": [float("nan")]})
    columns = ("s", "max_rss", "cpu_time")
    return pd.DataFrame(
        {name: pd.to_numeric(frame[name], errors="coerce") if name in frame else float("nan") for name in columns},
        index=frame.index,
    )


def read_jobs(folder) -> pd.DataFrame:
    """Read all benchmark files of a run.

    Parameters
    ----------
    folder : str or Path
        ``benchmarks/{rule}/….tsv`` below it: the first folder, or a file's own stem, names the rule.

    Returns
    -------
    DataFrame
        rule; name, what the job is of, as ``steel/root/texture``; and the columns of `read_benchmark`.
    """
    folder = Path(folder)
    frames = []
    for path in sorted(folder.rglob("*.tsv")):
        rule, _, name = path.relative_to(folder).with_suffix("").as_posix().partition("/")
        frames.append(read_benchmark(path).assign(rule=rule, name=name))
    columns = ["rule", "name", "s", "max_rss", "cpu_time"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def read_benchmarks(folder) -> pd.DataFrame:
    """Sum up Snakemake's benchmark files per rule.

    Parameters
    ----------
    folder : str or Path
        ``benchmarks/{rule}/….tsv`` below it: the first folder, or a file's own stem, names the rule.

    Returns
    -------
    DataFrame
        ``STAGE_COLUMNS``, the stage with the most seconds first. ``total_seconds`` adds the jobs up, as if they had
        run one after the other; NaN where a rule's files hold no number.
    """
    jobs = read_jobs(folder)
    if jobs.empty:
        return pd.DataFrame(columns=STAGE_COLUMNS)
    rules = jobs.groupby("rule")
    stages = pd.DataFrame(
        {
            "jobs": rules.size(),
            "total_seconds": rules["s"].sum(min_count=1),
            "longest_seconds": rules["s"].max(),
            "cpu_seconds": rules["cpu_time"].sum(min_count=1),
            "peak_memory_mib": rules["max_rss"].max(),
        }
    ).reset_index()
    order = ["total_seconds", "rule"]
    return stages.sort_values(order, ascending=[False, True], ignore_index=True)[STAGE_COLUMNS]


def read_warnings(folder, nodes: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Collect what jobs warned of, from their logs.

    Parameters
    ----------
    folder : str or Path
        ``logs/{rule}/{dataset}/….log`` below it.
    nodes : mapping of str to collection of str
        Clustered nodes of each grouped data set: logs of others are left over from an earlier configuration.

    Returns
    -------
    dict of str to list of str
        See `nearlabel.job_logs.collect_warnings`.
    """
    logs = []
    for path in sorted(Path(folder).rglob("*.log")):
        dataset, node = [*path.relative_to(folder).with_suffix("").parts[1:3], "", ""][:2]
        if re.fullmatch(r"root(\.\d+)*", node) is None or node in nodes.get(dataset, ()):
            logs.append(path)
    return collect_warnings(logs)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu() -> str:
    """Ask the driver's own tool: importing torch for it would take seconds."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "none"
    command = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("nvidia-smi gave no answer: %s", error)
        return "unknown (nvidia-smi gave no answer)"
    return "; ".join(answer.strip().splitlines()) or "none"
