"""Sharing of networks: export formats, and the Hugging Face Hub."""
