"""The plan of a run: what its configuration asks for, resolved, and what each rule takes from it."""

from nearlabel.plan.own_files import check_own_files
from nearlabel.plan.resolve import Plan, plan_run

__all__ = ["Plan", "check_own_files", "plan_run"]
