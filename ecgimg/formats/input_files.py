"""The files that a person names: pictures, PDFs and records, or folders of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgimg.errors import BadRecord, BadRequest
from ecgimg.formats import is_record_file, record_files
from ecgimg.formats.pages import PAGE_SUFFIXES

_OVERLAY = ".overlay.png"  # what digitizing writes beside a page is none


@dataclass(frozen=True)
class InputFile:
    """One file, and the name that its outputs have.

    Parameters
    ----------
    path : Path
    name : str
        The stem. Of a file in a folder that was named: its path inside the folder without suffix, or with it where
        two files would have one name.
    is_in_folder : bool
        Whether a folder was named.
    """

    path: Path
    name: str
    is_in_folder: bool = False

    def output_stem(self, stem: str) -> str:
        """Return the stem of the outputs of a page or record that its file calls `stem`."""
        if not self.is_in_folder:
            return stem
        if stem.startswith(self.path.stem):  # STEM, or STEM-p2
            return self.name + stem[len(self.path.stem) :]
        return f"{self.name}-{stem}"


def input_files(
    inputs: Sequence[Path | InputFile], *, records: bool = True, apart_from: Path | None = None
) -> list[InputFile]:
    """Return the files that are named, those of folders and their subfolders in the order of their names.

    Parameters
    ----------
    inputs : sequence of Path or InputFile
        Files and folders. Hidden files, overlays and files of other kinds in a folder are passed over.
    records : bool
        Whether records are taken besides pages.
    apart_from : Path, optional
        A folder below those that are named, whose files are outputs.

    Raises
    ------
    BadRequest
        For a folder without such files.
    """
    files: list[InputFile] = []
    for each in inputs:
        if isinstance(each, InputFile):
            files.append(each)
        elif each.is_dir():
            files += _files_of_folder(each, records, apart_from)
        else:
            files.append(InputFile(each, each.stem or str(each)))
    return files


def _files_of_folder(folder: Path, records: bool, apart_from: Path | None) -> list[InputFile]:
    outputs = apart_from.resolve() if apart_from is not None else None
    paths = [
        path
        for path in sorted({*_pages(folder), *(_records(folder) if records else ())})
        if outputs is None or outputs == folder.resolve() or outputs not in path.resolve().parents
    ]
    if not paths:
        kinds = "picture, PDF or record" if records else "picture or PDF"
        raise BadRequest(f"the folder {folder} holds no {kinds}; name another folder, or the files")
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    shared = Counter(names)
    return [
        InputFile(path, name if shared[name] == 1 else path.relative_to(folder).as_posix(), True)
        for path, name in zip(paths, names, strict=True)
    ]


def _pages(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_page = path.suffix.lower() in PAGE_SUFFIXES and not path.name.endswith(_OVERLAY)
        if not hidden and is_page and path.is_file() and not is_record_file(path):
            yield path


def _records(folder: Path) -> list[Path]:
    try:
        return record_files(folder)
    except BadRecord:  # none
        return []
