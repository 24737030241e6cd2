"""Real counterparts for the tests: servers and other things that stand outside the package."""
