"""What workers and the conductor can call: one tool a file, two closed registries that share nothing."""
