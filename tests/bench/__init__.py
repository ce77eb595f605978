"""How fast it is, beside the same workload written for others: `python -m tests.bench`."""

SCENARIO_FILE, PLAN_FILE = "scenario.toml", "plan.npz"  # what a workload's folder holds
SMALL, FEW = "small", 500  # … the folder in it with a small one of the same kind, and its commands
