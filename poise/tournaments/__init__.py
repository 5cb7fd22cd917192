"""Many negotiations and what they show: schedule, runner, store, statistics, report."""
