"""The plan of a run: what its configuration asks for, resolved, and what each rule takes from it."""

from nearlabel.plan.resolve import Plan, plan_run

__all__ = ["Plan", "plan_run"]
