"""The command line: its parsing, and one module per command."""
