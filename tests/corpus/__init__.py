"""The attack corpus as tests: every row of the files here is data, run by the module of its category."""
