"""What a training run needs: the Trainer, its checks, the run folder and the files in it."""
