"""Rules of the house that a machine can check. Each module holds one family; tests/tidy/ runs them on every file."""
