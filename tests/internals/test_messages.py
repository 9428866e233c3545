"""Messages of other libraries on which the zoo decides: seen with torch 2.14.1."""

from __future__ import annotations

import os
import signal
import time

import pytest
from torch.utils.data import DataLoader, Dataset

from zoo.internals.messages import is_worker_failure


class Failing(Dataset[int]):
    """One example, in whose place something happens to the worker."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        match self.how:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs":
                time.sleep(60)
            case "exits":
                os._exit(1)
        raise RuntimeError("DataLoader timed out, says the data set")


@pytest.mark.parametrize(("how", "failed"), [("killed", True), ("hangs", True), ("exits", True), ("raises", False)])
def test_a_failed_worker_is_told_from_an_error_of_the_data(how: str, failed: bool) -> None:
    with pytest.raises(RuntimeError) as raised:
        next(iter(DataLoader(Failing(how), num_workers=1, timeout=3)))
    assert is_worker_failure(raised.value) is failed
