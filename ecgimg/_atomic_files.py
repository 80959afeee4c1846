"""Writing files so that a target is either the old file or the whole new one, never half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgimg.errors import BadOutput, BadRequest


def check_stems(stems: Iterable[str], suffix: str) -> None:
    """Refuse inputs that would write the same ``STEM.suffix`` into one folder (`BadRequest`)."""
    twice = [stem for stem, count in Counter(stems).items() if count > 1]
    if twice:
        raise BadRequest(f"two inputs would both write {twice[0]}{suffix}; rename one, or use another folder for it")


@contextmanager
def atomic_paths(*targets: str | Path, drafts_in: Path | None = None) -> Iterator[tuple[Path, ...]]:
    """Yield a temporary path for each target; they replace the targets when the block ends well.

    The temporary files lie in a hidden folder beside the targets and have the targets' own names, so that formats
    whose files name each other can be written. Targets are replaced in the order given: put the file that readers
    open first (a header) last. A temporary file that the block does not write leaves its target as it was.

    Parameters
    ----------
    targets : str or Path
        Files of one folder, with different names. A missing folder is created.
    drafts_in : Path, optional
        Where the hidden folder lies instead, on the same disk: what a killed process leaves is found there.

    Raises
    ------
    BadOutput
        When the folder cannot be written, a target is a folder, or the disk refuses the write.
    """
    finals = tuple(Path(target) for target in targets)
    # the last is the one that a person named: a header, or the file itself
    with _refusals(finals[-1]):
        for final in finals:
            if final.is_dir():
                raise BadOutput(f"cannot write {final}: it is a folder; name a file")
        finals[-1].parent.mkdir(parents=True, exist_ok=True)
        beside = drafts_in or finals[-1].parent
        beside.mkdir(parents=True, exist_ok=True)
        # beside the targets, so that the last step is a rename within one disk, which is whole or not at all
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=beside))
        try:
            drafts = tuple(folder / final.name for final in finals)
            yield drafts
            written = [(draft, final) for draft, final in zip(drafts, finals, strict=True) if draft.exists()]
            for draft, _ in written:
                _to_disk(draft)
            # all are on the disk before the first takes its place
            for draft, final in written:
                draft.replace(final)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path with the target's name; it replaces the target when the block ends well.

    Raises
    ------
    BadOutput
        When the folder cannot be written, the target is a folder, or the disk refuses the write.
    """
    with atomic_paths(target) as (draft,):
        yield draft


def _to_disk(path: Path) -> None:
    """Have the content on the disk before the name: a power cut must not leave a whole name on an empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _refusals(target: Path) -> Iterator[None]:
    """Turn what the operating system refuses into `BadOutput`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadOutput(f"cannot write {target}: {reason}; choose a folder that can be written") from error
