"""How far something is, as a bar or as calls of a function."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

Progress: TypeAlias = "bool | Callable[[int, int], object]"
"""True for a bar, or a function that is called with how many are done, and of how many."""


@contextmanager
def progress_bar(progress: Progress, *, total: int, unit: str) -> Generator[Callable[[int], object], None, None]:
    """A function to tell how many are done."""
    if callable(progress):
        tell = progress
        yield lambda done: tell(done, total)
        return
    if not progress:
        yield lambda done: None
        return
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("progress=True needs tqdm: pip install 'aitbc-sdk[progress]'") from error
    with tqdm(total=total, unit=unit) as bar:
        yield lambda done: bar.update(done - bar.n)
