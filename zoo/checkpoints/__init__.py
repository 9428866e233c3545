"""Checkpoints: written atomically, and read without running code from them."""
