"""A folder of pages with masks."""

from __future__ import annotations

import pytest

from synth.page_folder import write_pages


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_pages(folder, n=8, seed=11, masks=True)
    return folder
