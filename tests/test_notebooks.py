"""The notebooks run from top to bottom, and are kept with what they printed and drew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(file.name for file in FOLDER.glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what a kernel's packages warn of is not ours
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name: str):
    """A notebook runs, draws, and is kept with its outputs."""
    kept = nbformat.read(FOLDER / name, as_version=4)
    for cell in kept.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, "run the notebook and keep its outputs"
            assert not any(output.output_type == "error" for output in cell.outputs)
    fresh = nbformat.read(FOLDER / name, as_version=4)
    client = nbclient.NotebookClient(
        fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    asyncio.run(client.async_execute())  # execute() would leave its event loop open
    drawn = [
        sum("image/jpeg" in output.get("data", {}) or "image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in fresh.cells
        if cell.cell_type == "code"
    ]
    assert sum(drawn) >= 1


def test_notebook_names():
    """The three notebooks are there."""
    assert NOTEBOOKS == ["layout_robustness.ipynb", "quickstart.ipynb", "synthetic_pages.ipynb"]
