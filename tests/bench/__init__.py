"""How fast it is, beside the same workload written for others: `python -m tests.bench`."""
