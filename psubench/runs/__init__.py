"""The parent process of a run: plan, lock, schedule, workers, record. Imports no torch."""
