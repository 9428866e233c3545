"""What is printed before and after a run, figures, and tables of results."""
