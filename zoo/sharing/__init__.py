"""Networks for other programs: formats to export to, and the Hugging Face Hub."""
