"""Engines: an S3-compatible server, and Ray that loses a node."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgimg.batch import BatchSettings, run_batch
from ecgimg.batch.execution_engines import ENGINES, read_locally
from tests.batch.pages import LIGHT, page_ids

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
fsspec = pytest.importorskip("fsspec", reason="the batch extra is not installed")
pytestmark = [
    pytest.mark.usefixtures("garbage_collected"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3-compatible server on this machine."""
    server_module = pytest.importorskip("moto.server", reason="the S3 test server (moto) is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").clear_instance_cache()
    fsspec.filesystem("s3").mkdir("archive")
    yield "s3://archive"
    fsspec.filesystem("s3").clear_instance_cache()
    server.stop()


@pytest.fixture
def cluster() -> Iterator[object]:
    """A Ray cluster on this machine: a head without work, and one node that works; can grow and shrink."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    utils = pytest.importorskip("ray.cluster_utils")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.first = made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_engines_on_s3(pages: Path, bucket: str, cluster: object, tmp_path: Path):
    """Both engines read from S3 and write the same bytes, and either goes on on another machine."""
    s3 = fsspec.filesystem("s3")
    for file in pages.iterdir():
        s3.pipe_file(f"{bucket}/in/{file.name}", file.read_bytes())
    parts = []
    for engine in ("local", "ray"):
        out = f"{bucket}/{engine}"
        settings = BatchSettings(engine=engine, limit=3, work_folder=tmp_path / engine)
        assert run_batch(f"{bucket}/in", out, LIGHT, settings).read_now == 3
        elsewhere = BatchSettings(engine=engine, work_folder=tmp_path / f"{engine} on another machine")
        assert run_batch(f"{bucket}/in", out, LIGHT, elsewhere).read_now == 3
        parts.append(s3.cat_file(f"{out}/records/part-00000.parquet"))
    assert parts[0] == parts[1]
    assert page_ids(parquet.read_table(f"{bucket}/ray/pages.parquet", filesystem=s3)) == [f"{k}.png" for k in range(6)]


@pytest.mark.slow
def test_ray_when_node_dies(pages: Path, cluster: object, tmp_path: Path):
    """Where the only working node dies, no page is lost or read twice."""
    told = []

    def kill_once(progress: object) -> None:
        if progress.result is not None:
            told.append(progress.result.number)
            if len(told) == 1:
                cluster.add_node(num_cpus=1)
                cluster.remove_node(cluster.first, allow_graceful=False)

    out = tmp_path / "ray"
    summary = run_batch(str(pages), str(out), LIGHT, BatchSettings(engine="ray"), kill_once)
    assert sorted(told) == list(range(6))
    assert summary.read_now == 6
    assert "pending" not in summary.pages
    here = tmp_path / "here"
    run_batch(str(pages), str(here), LIGHT)
    part = "records/part-00000.parquet"
    assert (out / part).read_bytes() == (here / part).read_bytes()


def test_engine_names():
    """The engines are local and ray."""
    assert ENGINES["local"] is read_locally
    assert sorted(ENGINES) == ["local", "ray"]
