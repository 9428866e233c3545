"""What starts the processes of a run (torchrun, SLURM), and the signals that they send it.

Imported before anything heavy: a signal that arrives during the imports must find its handler.
"""
