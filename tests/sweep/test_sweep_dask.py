"""Sweeps on a real Dask cluster of this computer."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest
from sweep_helpers import PAUSE, grid, same_bits

from clipbounds.sweep import Sweep, load, run

distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own, which are not ours to mend


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    run(Sweep.from_dict(grid(40)), folder / "store")
    return load(folder / "store").load()


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setenv(PAUSE, "0.02")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.full)])
def test_a_local_cluster_gives_the_same_bits(tmp_path, twin, workers):
    report = run(Sweep.from_dict(grid(40)), tmp_path / "store", "dask", workers=workers)
    assert (report.computed, report.failures) == (40, [])
    assert same_bits(load(tmp_path / "store").load(), twin)


def test_a_killed_dask_worker_loses_nothing(tmp_path, twin, cluster):
    """The cluster is reached by its address; one of its two workers is killed in the middle."""
    victim = cluster.workers[0].pid

    def strike():
        while len(list((tmp_path / "store").rglob("*.cell"))) < 5:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=strike)
    thread.start()
    report = run(Sweep.from_dict(grid(40)), tmp_path / "store", "dask", address=cluster.scheduler_address)
    thread.join()
    assert report.complete and report.failures == []
    assert same_bits(load(tmp_path / "store").load(), twin)


def test_an_unreachable_scheduler_is_told_within_the_time_out(tmp_path, monkeypatch):
    monkeypatch.setattr("clipbounds.sweep.executors.TIMEOUT", 1.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(ValueError, match=f"no Dask scheduler answered at {address} within 1 s"):
        run(Sweep.from_dict(grid(5)), tmp_path / "store", "dask", address=address)
    assert time.monotonic() - started < 20
    assert not list((tmp_path / "store").rglob("*.cell"))


def test_what_answers_but_is_no_scheduler_is_told(tmp_path, monkeypatch):
    """A web server's greeting, read as Dask's header, asks for an array of exbibytes."""
    monkeypatch.setattr("clipbounds.sweep.executors.TIMEOUT", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as visitor:
                        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)

        threading.Thread(target=greet, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"no Dask scheduler answered at {address} within 2 s"):
            run(Sweep.from_dict(grid(5)), tmp_path / "store", "dask", address=address)


@pytest.mark.full
def test_a_scheduler_without_workers_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("clipbounds.sweep.executors.TIMEOUT", 2.0)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as empty,
        pytest.raises(ValueError, match="has no workers after 2 s"),
    ):
        run(Sweep.from_dict(grid(5)), tmp_path / "store", "dask", address=empty.scheduler_address)
