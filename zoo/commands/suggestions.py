"""Names that options have in other programs, for suggestions."""

from __future__ import annotations

from zoo.errors import suggestion

COMMON_NAMES = {
    **dict.fromkeys(("learning_rate", "eta"), "model.lr"),
    **dict.fromkeys(("optim", "opt"), "model.optimizer"),
    **dict.fromkeys(("momentum", "betas", "nesterov"), "model.optimizer_args"),
    **dict.fromkeys(("weight_decay", "wd"), "model.l2"),
    **dict.fromkeys(("scheduler", "schedule"), "model.lr_scheduler"),
    **dict.fromkeys(("criterion", "loss_function", "loss_fn"), "model.loss"),
    **dict.fromkeys(("hidden", "hidden_size", "hidden_units", "units"), "model.hidden_dim"),
    **dict.fromkeys(("batch", "bs", "batchsize"), "data.batch_size"),
    **dict.fromkeys(("workers", "num_worker", "n_workers", "jobs"), "data.num_workers"),
    **dict.fromkeys(("data_dir", "data_root", "dataroot", "datadir"), "data.root"),
    **dict.fromkeys(("augmentation", "augmentations"), "data.augment"),
    **dict.fromkeys(("validation_size", "val_split", "validation_split"), "data.val_size"),
    **dict.fromkeys(("epochs", "epoch", "num_epochs", "n_epochs", "nepochs"), "trainer.max_epochs"),
    **dict.fromkeys(("steps", "num_steps", "iterations"), "trainer.max_steps"),
    **dict.fromkeys(("gpu", "gpus", "num_gpus", "ngpus", "num_devices", "processes", "nproc"), "trainer.devices"),
    **dict.fromkeys(("device", "cuda", "cpu", "mps"), "trainer.accelerator"),
    **dict.fromkeys(("nodes",), "trainer.num_nodes"),
    **dict.fromkeys(("fp16", "bf16", "amp", "dtype", "half"), "trainer.precision"),
    **dict.fromkeys(("grad_clip", "clip", "clip_grad_norm"), "trainer.gradient_clip_val"),
    **dict.fromkeys(("accumulation", "grad_accum", "gradient_accumulation_steps"), "trainer.accumulate_grad_batches"),
    **dict.fromkeys(("early_stopping", "early_stop"), "patience"),
    **dict.fromkeys(("resume", "checkpoint", "ckpt", "load"), "ckpt_path"),
    **dict.fromkeys(("output", "output_dir", "out_dir", "save_dir", "logdir"), "out"),
    **dict.fromkeys(("random_seed", "random_state"), "seed"),
}
"""Other names of options."""


def suggest_option(option: str, options: list[str]) -> str:
    """Return a suggestion for an unknown option: one with that name in a section or elsewhere, or else the nearest."""
    name = option.strip("-").rpartition(".")[2].replace("-", "_").lower()
    by_name = [known for known in options if known.rpartition(".")[2].removeprefix("--") == name]
    known = [f"--{COMMON_NAMES[name]}"] if name in COMMON_NAMES else by_name
    found = next((known for known in known if known in options), None)
    return f"; did you mean {found!r}?" if found else suggestion(option, options)
