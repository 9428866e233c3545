"""What is shown of runs: the closing report, figures, tables of results."""
