"""What every room may use: files, the console, tables, seeds, signatures."""
