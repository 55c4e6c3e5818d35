"""A SLURM cluster of one node on this machine, for as long as a `with` block lasts."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
# Daemons lie in /usr/sbin, which is not on every user's path.
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

# Jobs ask for more cores and memory than a small machine has; the node claims them, and jobs share what there is.
# Memory is watched, not fenced off: control groups need rights that a container often lacks.
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
OverTimeLimit=0
MinJobAge=600
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why no cluster can be started here; empty if one can."""
    absent = [name for name in (*DAEMONS, "sbatch") if not shutil.which(name, path=SEARCHED)]
    if absent:
        return f"{', '.join(absent)} not found; install slurm-wlm and munge"
    return "" if os.geteuid() == 0 else "SLURM's daemons need root to start jobs"


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


def stop(daemon: subprocess.Popen) -> None:
    """End a daemon, by force if it does not listen."""
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


@contextmanager
def one_node_cluster(cpus: int = 4, memory: int = 64_000) -> Iterator[dict[str, str]]:
    """Start munged, slurmctld and slurmd on loopback; gives the environment that their clients need."""
    host = socket.gethostname().split(".")[0]
    # Not below pytest's folders: a socket's path must be short.
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True)))
        for name in ("state", "spool", "bin"):
            (folder / name).mkdir()
        config = folder / "slurm.conf"
        config.write_text(CONFIG.format(folder=folder, host=host, ports=free_ports(2), cpus=cpus, memory=memory))
        environment = os.environ | {"SLURM_CONF": str(config), "PATH": f"{folder / 'bin'}{os.pathsep}{SEARCHED}"}
        # The executor plugin drops SLURM_CONF before it calls srun within a job.
        wrapper = folder / "bin/srun"
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {shutil.which("srun")} "$@"\n')
        wrapper.chmod(0o755)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)

        def start(name: str, *arguments: str) -> None:
            output = stack.enter_context((folder / f"{name}.out").open("wb"))
            command = [shutil.which(name, path=SEARCHED), *arguments]
            daemon = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
            stack.callback(stop, daemon)

        # --force: a temporary folder that others may not enter is warned of, not refused.
        start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
            f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed",
        )  # fmt: skip
        wait_for(lambda: (folder / "munge.socket").exists(), folder)
        start("slurmctld", "-D", "-i")
        start("slurmd", "-D", "-N", host)

        def idle() -> bool:
            done = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
            return done.stdout.strip() == "idle"

        wait_for(idle, folder)
        # Before the daemons end, so that no job's step outlives them.
        stack.callback(drain, environment)
        yield environment


def drain(environment: dict[str, str]) -> None:
    """Cancel what still runs, and wait until it has ended."""
    subprocess.run(["scancel", "--user", "root"], env=environment, capture_output=True)
    ended = ["squeue", "-h", "-t", "PENDING,RUNNING,COMPLETING"]
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if not subprocess.run(ended, env=environment, capture_output=True, text=True).stdout.strip():
            return
        time.sleep(0.5)


def wait_for(ready, folder: Path, seconds: float = 30) -> None:
    """Wait for a daemon; if it does not come up, say what the daemons said."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            said = [f"{file.name}:\n{file.read_text(errors='replace')[-2000:]}" for file in folder.glob("*.log")]
            said += [f"{file.name}:\n{file.read_text(errors='replace')[-2000:]}" for file in folder.glob("*.out")]
            raise RuntimeError("the SLURM cluster did not start\n" + "\n".join(said))
        time.sleep(0.2)
