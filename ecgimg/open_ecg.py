"""Open what is measured or classified: a record, a page that was read, a file of either, or a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization, digitize, digitize_image
from ecgimg.errors import BadRequest
from ecgimg.formats import is_record_file, iter_records, read_record
from ecgimg.formats.input_files import InputFile
from ecgimg.formats.pages import open_pages
from ecgimg.record import EcgRecord

Ecg = EcgRecord | Digitization | str | Path | NDArray[np.uint8]


def open_ecg(ecg: Ecg) -> EcgRecord | Digitization:
    """Return a record or a digitization as it is; read the file of a record, and digitize any other file or picture.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read.
    BadRequest
        For anything else.
    """
    if isinstance(ecg, EcgRecord | Digitization):
        return ecg
    if isinstance(ecg, str | Path):
        return read_record(ecg) if is_record_file(ecg) else digitize(ecg)
    if isinstance(ecg, np.ndarray) and ecg.ndim == 3 and ecg.dtype == np.uint8:
        return digitize_image(ecg)
    raise BadRequest(
        f"a {type(ecg).__name__} is no ECG; give an EcgRecord (signals with their rate and leads), a Digitization, a "
        "file, or a picture as a (height, width, 3) uint8 array"
    )


def iter_ecgs(file: InputFile) -> Iterator[tuple[str, EcgRecord | Digitization, NDArray[np.uint8] | None]]:
    """Yield (stem, record or digitization, picture of the page or None) for each record or page of a file.

    The stem is that of the outputs.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read.
    """
    if is_record_file(file.path):
        for stem, record in iter_records(file.path):
            yield file.output_stem(stem), record, None
        return
    for page in open_pages(file.path):
        yield file.output_stem(page.stem), digitize_image(page.image, vector=page.vector), page.image
