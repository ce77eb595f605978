"""How fast it is, beside the same workload written for others: `python -m tests.bench`."""

SCENARIO_FILE, PLAN_FILE = "scenario.toml", "plan.npz"  # what a workload's folder holds
