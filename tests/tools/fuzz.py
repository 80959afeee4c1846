"""Damage files of every kind at random, for as long as asked, and open them within the limits; nothing may get through.

    PYTHONPATH=. python tests/tools/fuzz.py FOLDER --minutes 30

Goes on where it was stopped: the state is in FOLDER/state.json. Pages, records, layouts and classifiers' cards are
changed byte by byte, cut, repeated and joined; each must be read or refused by an error of ours, within the limits.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import ecgimg
from ecgimg.classification.trained_classifier import load_classifier
from ecgimg.digitization.tracing.vector_rows import read_vector_rows
from ecgimg.errors import EcgImgError
from ecgimg.formats.pages import PageInput, isolated_decoding, open_pages
from ecgimg.isolation import CallFailed, Limits, Worker
from layouts import load_layout
from layouts.layout_files import FOLDER as LAYOUTS
from tests.formats.pages.pdf_pages import PRINT, beats, grid_lines, pulse_mm, stroke, vector_pdf, word

PACKAGE = Path(ecgimg.__file__).parent
RECORDS = Limits(cpu_s=10, memory_gb=1.5)


def seeds(folder: Path) -> Iterator[Path]:
    """Write a good file of every kind."""
    with Image.open(PACKAGE / "samples" / "photo.jpg") as photo:
        small = photo.convert("RGB").resize((640, 480))
    for suffix in ("png", "jpg", "tif", "bmp", "webp", "gif", "pdf"):
        small.save(folder / f"page.{suffix}")
        yield folder / f"page.{suffix}"
    small.save(folder / "pages.tif", save_all=True, append_images=[small.convert("L")], compression="tiff_lzw")
    small.convert("1").save(folder / "group4.tif", compression="group4", dpi=(204, 98))
    small.save(folder / "progressive.jpg", progressive=True, dpi=(200, 100))
    draw_vector_page(folder / "vector.pdf")
    yield from (folder / name for name in ("pages.tif", "group4.tif", "progressive.jpg", "vector.pdf"))
    yield from records(folder)
    for name in ("3x4+II", "6x2-cabrera"):
        (folder / f"{name}.yaml").write_bytes((LAYOUTS / f"{name}.yaml").read_bytes())
        yield folder / f"{name}.yaml"
    (folder / "card.json").write_bytes((PACKAGE / "weights" / "patchecg.json").read_bytes())
    yield folder / "card.json"


def draw_vector_page(path: Path) -> None:
    """Write a PDF that carries its trace, its grid and its print as paths and words."""
    drawn = stroke(beats(40, 240, 100)) + stroke(pulse_mm(24, 100)) + word("II", 30, 80) + PRINT
    vector_pdf(path, grid_lines(5, "1 0 0", 0.1) + "0 0 0 RG 0.3 w 1 j\n" + drawn)


def records(folder: Path) -> Iterator[Path]:
    """Write a short record with a gap in every format, and arrays of several records and of one."""
    signals = np.random.default_rng(0).normal(0, 0.5, (3, 257))
    signals[0, 50:90] = np.nan
    record = ecgimg.EcgRecord(signals, 257, ("II", "V5", "MCL1"))
    for suffix in ("csv", "edf", "dcm", "parquet", "hea"):
        ecgimg.write_record(record, folder / f"record.{suffix}")
        yield folder / f"record.{suffix}"
    yield from (folder / name for name in ("record.dat", "record.mask.csv"))
    np.savez_compressed(folder / "record.npz", x=np.zeros((3, 12, 500), np.int16), ecg_id=[7, 8, 9], fs_hz=50)
    np.save(folder / "record.npy", np.zeros((12, 1000), np.float32))
    yield from (folder / name for name in ("record.npz", "record.npy"))


def damaged(good: bytes, rng: np.random.Generator) -> bytes:
    """Change a file: single bytes, runs, cuts, repeats, numbers made large; half of the files in one place only."""
    data = bytearray(good)
    for _ in range(int(rng.integers(1, 9)) if rng.random() < 0.5 else 1):
        if not data:
            break
        at = int(rng.integers(len(data)) if rng.random() < 0.5 else rng.integers(min(len(data), 400)))
        kind = int(rng.integers(6))
        length = int(rng.integers(1, 65))
        if kind == 0:
            data[at] = int(rng.integers(256))
        elif kind == 1:
            data[at : at + length] = rng.integers(0, 256, length, np.uint8).tobytes()
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length] * int(rng.integers(1, 50))
        elif kind == 4:
            data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"9999"])
        else:
            del data[at:]
    return bytes(data)


def read(path: Path) -> str:
    """Read one file as its kind is read; returns what became of it."""
    if path.suffix == ".yaml":
        load_layout(path)
    elif path.suffix == ".json":
        load_classifier(path)
    elif path.stem.startswith("record"):
        # signals and masks are read through the file that they belong to
        path = {".dat": path.with_suffix(".hea"), ".mask.csv": path.with_name("record.edf")}.get(
            "".join(path.suffixes), path
        )
        for _name, record in ecgimg.iter_records(path):
            repr(record)
    else:
        return f"{sum(_sorted(page) for page in open_pages(path))} pages"
    return "read"


def _sorted(page: PageInput) -> int:
    """Sort the paths of a page where it has some; counts it."""
    if page.vector is not None:
        read_vector_rows(page.vector)
    return 1


def outcome(path: Path, worker: Worker) -> str:
    """Read a file within the limits and tell what happened; what must not happen begins with ``FAULT``."""
    started = time.perf_counter()
    try:
        said = worker.call(importlib.import_module("fuzz").read, path)  # by a name that the process finds
    except EcgImgError as error:
        text = str(error)
        said = "refused" if "\n" not in text and len(text) < 1000 else "FAULT: a message that is no sentence"
        if any(words in text for words in isolated_decoding._REFUSALS.values()):
            said = "refused by the limits"
    except CallFailed as failure:
        said = f"FAULT: {failure.limit} {failure.detail}"
    except RuntimeError as error:
        said = f"FAULT: {error}"
    return said if time.perf_counter() - started < 4 * RECORDS.cpu_s else f"FAULT: slow, {said}"


def main() -> int:
    """Fuzz until the time is over; returns 1 where something got through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    state_file = given.folder / "state.json"
    state = json.loads(state_file.read_text()) if state_file.is_file() else {"seed": 0, "seconds": 0.0, "counts": {}}
    counts = {name: Counter(found) for name, found in state["counts"].items()}
    good = {path: path.read_bytes() for path in seeds(given.folder)}
    saved = time.perf_counter()
    with Worker(RECORDS, quiet=True) as worker:
        while state["seconds"] < given.minutes * 60:
            rng = np.random.default_rng(state["seed"])
            path = list(good)[state["seed"] % len(good)]
            path.write_bytes(damaged(good[path], rng))
            said = outcome(path, worker)
            counts.setdefault(path.name, Counter())[said] += 1
            if said.startswith("FAULT"):
                (given.folder / f"fault-{state['seed']}-{path.name}").write_bytes(path.read_bytes())
            path.write_bytes(good[path])
            state["seed"] += 1
            now = time.perf_counter()
            state["seconds"], saved = state["seconds"] + now - saved, now
            if state["seed"] % 50 == 0:
                save(state_file, state, counts)
    save(state_file, state, counts)
    faults = sum(number for found in counts.values() for said, number in found.items() if said.startswith("FAULT"))
    print(json.dumps(counts, indent=1))
    print(f"{state['seed']} files in {state['seconds'] / 60:.1f} minutes, {faults} faults")
    return int(faults > 0)


def save(file: Path, state: dict[str, object], counts: dict[str, Counter[str]]) -> None:
    """Keep how far it came."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({**state, "counts": counts}), encoding="utf-8")
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main())
