"""The commands, one file per group. Each has `add(commands)`, which puts its own onto the command line."""
