# Around the jobs of a call: what they are about to delete is kept until they are done, how far they have come, and what
# is said at the end. Snakemake tells its logger of each job before it deletes the job's outputs.

import atexit
import logging
import time
from types import SimpleNamespace

from snakemake.io import IOFile
from snakemake.logging import logger as snakemake_logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from nearlabel.endings import describe_failures, describe_kept
from nearlabel.kept import KeptResults
from nearlabel.progress import JobTimes, describe_progress, read_job_times
from nearlabel.report.outdated import mark_outdated


class Call(logging.Filter):
    """Follows the jobs of one call of Snakemake by what its logger is told; every record passes."""

    def __init__(self):
        super().__init__()
        self.page = fill(run_files.PAGE, run=PLAN.config.run)
        self.kept = KeptResults(fill(run_files.KEPT, run=PLAN.config.run))
        # Of jobs that run: rule, time of start, outputs. Of those that have failed: their logs. What Snakemake says.
        self.running, self.failed, self.errors = {}, {}, []
        self.ended, self.last_words = False, []

    def begin(self):
        self.bring_into_the_present()
        benchmarks = fill(run_files.BENCHMARKS, run=PLAN.config.run)
        self.times, self.seconds = JobTimes(read_job_times(benchmarks)), 0.0
        self.started, self.estimated = time.monotonic(), float("-inf")
        # Of a call that was killed. What this one makes stays kept until it is made.
        self.put_back(
            leave={str(f) for job in workflow.dag.needrun_jobs() for f in job.output}
        )
        snakemake_logger.addFilter(self)
        atexit.register(self.say_last_words)

    def bring_into_the_present(self):
        """After a clock was put back: a job would end in an error where its input is younger than what it has made."""
        now = time.time()
        for file in {
            str(f) for job in workflow.dag.jobs for f in (*job.input, *job.output)
        }:
            if not Path(file).is_file() or Path(file).stat().st_mtime <= now:
                continue
            own = file != CHECKOUT and Path(file).parts[0] != "results"
            if own or not os.access(file, os.W_OK):
                then = time.strftime("%c", time.localtime(Path(file).stat().st_mtime))
                raise WorkflowError(
                    f"{file} was changed in the future ({then}): "
                    "put this machine's clock right, or `touch` the file"
                )
            os.utime(file, (now, now))

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self.job_begins(record)
        elif event == LogEvent.JOB_FINISHED:
            self.job_is_done(record.job_id)
        elif event == LogEvent.JOB_ERROR:
            self.failed[record.jobid] = list(record.log)
        elif event == LogEvent.PROGRESS:
            self.say_progress(record)
        elif record.levelno >= logging.ERROR and event != LogEvent.GROUP_ERROR:
            self.errors.append(record.getMessage())
        return True

    def job_begins(self, record):
        # It may have failed before: on a cluster it is tried again.
        self.failed.pop(record.jobid, None)
        outputs = list(record.output)
        self.running[record.jobid] = (record.rule_name, time.monotonic(), outputs)
        if not workflow.touch:
            for output in self.kept.keep(outputs):
                snakemake_logger.warning(
                    f"warning: {output} cannot be kept: it is lost if {record.rule_name} fails"
                )

    def job_is_done(self, jobid):
        name, started, outputs = self.running.pop(jobid)
        taken = time.monotonic() - started
        self.times.add(name, taken)
        self.seconds += taken
        self.kept.drop(outputs)

    def say_progress(self, record):
        # Not for every one of thousands of short jobs: it looks at all of them.
        if time.monotonic() - self.estimated > 1:
            self.estimate()
        record.msg = describe_progress(record.done, record.total, *self.left)
        # As text: Snakemake's own line has a percentage, which falls when jobs are added.
        record.event, record.quietness = None, Quietness.PROGRESS

    def estimate(self):
        self.estimated = time.monotonic()
        rules = [j.rule.name for j in workflow.dag.needrun_jobs() if not j.is_norun]
        side_by_side = self.seconds / max(1e-9, self.estimated - self.started)
        seconds, all_known = self.times.left(rules, side_by_side)
        self.left = seconds, all_known, PLAN.grows and "plan_level" in rules

    def put_back(self, leave=frozenset()):
        """Put back what no job has made; Snakemake makes it anew, whatever it noted of the job that failed."""
        back = self.kept.put_back(leave)
        if back:
            workflow.persistence.started(
                SimpleNamespace(output=list(map(IOFile, back)))
            )
        return back

    def succeed(self):
        self.ended = True
        if any(self.page in job.output for job in workflow.dag.jobs):
            self.last_words = [f"report: {Path(self.page).absolute()}"]

    def fail(self):
        self.ended = True
        back = self.put_back()
        if any(self.page in job.output for job in workflow.dag.needrun_jobs()):
            mark_outdated(self.page)
        logs = [log for logs in self.failed.values() for log in logs]
        self.last_words = describe_kept(back) + describe_failures(logs, self.errors)

    def say_last_words(self):
        """At the very end, below all that Snakemake says."""
        if not self.ended:
            self.fail()
        for line in self.last_words:
            print(line, file=sys.stderr)


CALL = Call()
