"""Launchers of processes (torchrun, SLURM), and the signals that they send.

Imported before anything heavy, so that a signal during the imports finds its handler.
"""
