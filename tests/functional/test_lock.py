"""One run at a time: real processes, killed and racing, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import update

from customers.errors import Busy, CadastraError
from sql.engine import writing
from sql.exclusive import exclusive
from sql.lock import hold
from sql.process import started
from sql.store import Store, open_store
from sql.tables import run_lock
from tests.functional.test_store import ANA, BIA, begun, contents_of, day_of, documents, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
RACES = 100
# Holds the database for run-2 with everything written but the flip, then waits to be killed or told to go on.
HOLDER = """
import sys
import pyarrow as pa
from sql.lock import hold
from sql.store import open_store
from tests.functional.test_store import *
with open_store(sys.argv[1]) as store, hold(store, "run-2", heartbeat_seconds=float(sys.argv[2])):
    run_seq = begun(store, 2)
    store.write_documents(run_seq, documents({BIA: "2"}))
    store.retire(run_seq, store.served(IDENTIFICATIONS, VERSION).select(["document_id", "opened_run_seq"]))
    print("ready", flush=True)
    sys.stdin.readline()
    publish(store, run_seq, 2)
"""
SETTLE_AND_DIE = """
    import os, signal
    from sql import partitions
    from sql.engine import is_postgres, writing
    with writing(store.engine) as connection:
        if is_postgres(connection):
            partitions.settle(connection, run_seq)
    os.kill(os.getpid(), signal.SIGKILL)
"""
RACER = """
import sys
from customers.errors import Busy
from sql.lock import hold
from sql.store import open_store
from tests.functional.test_store import *
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        day, run_id = int(line.split()[0]), f"{line.split()[0]}-{sys.argv[2]}"
        try:
            with hold(store, run_id):
                run_seq = begun(store, 1, run_id)
                store.publish(run_seq, finished_at=f"2026-11-20T02:00:00.{day:06}Z", counts={})
                print("won", flush=True)
                sys.stdin.readline()
        except Busy as busy:
            print("busy" if f"{day}-" in str(busy) else str(busy), flush=True)
            sys.stdin.readline()
        print("over", flush=True)
"""


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        yield opened


@contextmanager
def program(source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", source, *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def change_row(store: Store, **values: object) -> None:
    with writing(store.engine) as connection:
        connection.execute(update(run_lock).values(**values))


def lock_rows(store: Store) -> list[dict[str, object]]:
    return store.query("SELECT * FROM run_lock")


def test_a_second_runner_is_told_who_and_since_when(store: Store, any_database: str) -> None:
    with program(HOLDER, any_database, "30") as holder:
        message = rf"run run-2 has held the serving database for \d+ s \(process {holder.pid} on "
        with pytest.raises(Busy, match=message), hold(store, "run-3"):
            pytest.fail("two runs at once")
        assert store.runs()[0]["state"] == "running"
        told(holder, "go on")
        assert holder.wait() == 0
    assert contents_of(store) == {BIA: "2"}
    with hold(store, "run-3"):
        assert [row["run_id"] for row in lock_rows(store)] == ["run-3"]
    assert lock_rows(store) == []


def test_a_killed_holder_is_replaced_at_once_and_leaves_nothing(store: Store, any_database: str) -> None:
    day_of(store, 1, {ANA: "1"})
    with program(HOLDER, any_database, "30") as holder:
        holder.kill()
        holder.wait()
        moment = time.monotonic()
        with hold(store, "run-3"):
            assert time.monotonic() - moment < 5
            killed = store.runs()[0]
            assert (killed["run_id"], killed["state"], killed["counts"]) == (
                "run-2",
                "failed",
                {"problem": "killed"},
            )
            assert store.query("SELECT COUNT(*) AS n FROM documents") == [{"n": 1}]
            assert store.query("SELECT COUNT(*) AS n FROM retired") == [{"n": 0}]
            assert contents_of(store) == {ANA: "1"}
            run_seq = begun(store, 3)
            store.write_documents(run_seq, documents({BIA: "3"}))
            publish(store, run_seq, 3)
    assert contents_of(store) == {ANA: "1", BIA: "3"}


def test_a_killed_run_that_had_settled_its_documents_leaves_none(store: Store, any_database: str) -> None:
    source = HOLDER.replace("publish(store, run_seq, 2)", SETTLE_AND_DIE.strip())
    with program(source, any_database, "30") as holder:
        told(holder, "go on")
        assert holder.wait() == -signal.SIGKILL
    assert store.query("SELECT COUNT(*) AS n FROM documents") == [{"n": 1}]
    with hold(store, "run-3"):
        assert store.query("SELECT COUNT(*) AS n FROM documents") == [{"n": 0}]


def test_a_child_that_outlives_the_holder_does_not_keep_the_lock(store: Store, any_database: str) -> None:
    source = (
        HOLDER.replace('print("ready"', 'child = os.fork() or time.sleep(60)\n    print("ready"')
        .replace("import sys\n", "import os, sys, time\n", 1)
        .replace("sys.stdin.readline()", "print(child, flush=True); sys.stdin.readline()")
    )
    with program(source, any_database, "30") as holder:
        child = int(heard(holder))
        holder.kill()
        holder.wait()
        try:
            with hold(store, "run-3"):
                assert started(child) is not None
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_stopped_holder_keeps_the_lock_on_its_host(store: Store, any_database: str) -> None:
    with program(HOLDER, any_database, "30") as holder:
        holder.send_signal(signal.SIGSTOP)
        change_row(store, heartbeat_at="2026-01-01T00:00:00.000000Z")
        with pytest.raises(Busy, match="run-2"), hold(store, "run-3"):
            pytest.fail("its process lives and has the lock")
        holder.send_signal(signal.SIGCONT)


def test_only_the_heartbeat_judges_a_holder_of_another_host(store: Store) -> None:
    with hold(store, "run-1"):
        kept = dict(lock_rows(store)[0])
    with writing(store.engine) as connection:
        connection.execute(run_lock.insert().values(**{**kept, "host": "elsewhere"}))
    with pytest.raises(Busy, match=r"run run-1 has held .* on elsewhere"), hold(store, "run-2"):
        pytest.fail("it may be alive")
    with hold(store, "run-2", stale_seconds=-1):
        assert lock_rows(store)[0]["run_id"] == "run-2"


def test_another_process_with_the_same_number_is_not_the_holder(store: Store) -> None:
    with hold(store, "run-1"):
        kept = dict(lock_rows(store)[0])
    for changed in ({"pid": 1}, {"process_started": "before the boot"}):
        with writing(store.engine) as connection:
            connection.execute(run_lock.insert().values(**{**kept, **changed}))
        with hold(store, "run-2"):
            assert lock_rows(store)[0]["run_id"] == "run-2"


def test_the_heartbeat_shows_and_notices_a_lost_row(store: Store) -> None:
    with hold(store, "run-1", heartbeat_seconds=0.05) as lock:
        first = lock_rows(store)[0]["heartbeat_at"]
        wait_for(lambda: lock_rows(store)[0]["heartbeat_at"] != first)
        assert not lock.lost.is_set()
        change_row(store, token=999)
        assert lock.lost.wait(10)
    assert lock_rows(store)[0]["token"] == 999


def wait_for(condition: Any, seconds: float = 10) -> None:  # noqa: ANN401 - any function without arguments
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_whose_lock_was_taken_over_cannot_publish(store: Store, any_database: str) -> None:
    with hold(store, "run-1"):
        run_seq = begun(store, 1)
        store.write_documents(run_seq, documents({ANA: "1"}))
        change_row(store, token=999, run_id="run-9")
        with pytest.raises(CadastraError, match="was lost to another run: nothing was published"):
            publish(store, run_seq, 1)
        with open_store(any_database) as other, pytest.raises(Busy, match="run-9"):
            publish(other, run_seq, 1)
    assert contents_of(store) == {}


def test_whoever_holds_no_lock_cannot_publish_beside_a_holder(store: Store, any_database: str) -> None:
    run_seq = begun(store, 1)
    with program(HOLDER, any_database, "30"), pytest.raises(Busy, match="run-2"):
        publish(store, run_seq, 1)


def test_a_run_that_lost_its_connection_does_not_flip(postgres_database: str) -> None:
    with open_store(postgres_database) as store:
        with hold(store, "run-1") as lock:
            run_seq = begun(store, 1)
            store.write_documents(run_seq, documents({ANA: "1"}))
            terminate(postgres_database, store)
            with pytest.raises(CadastraError, match=r"connection that held the lock .* was lost"):
                publish(store, run_seq, 1)
            assert not lock.lost.is_set()
        assert contents_of(store) == {}
        with hold(store, "run-2"):  # the same process may try again
            assert store.runs()[0]["state"] == "failed"


def test_a_living_process_that_lost_its_connection_is_not_replaced(postgres_database: str) -> None:
    with open_store(postgres_database) as store, program(HOLDER, postgres_database, "30") as holder:
        terminate(postgres_database, store)
        with pytest.raises(Busy, match="run-2"), hold(store, "run-3"):
            pytest.fail("its process lives")
        told(holder, "go on")
        assert holder.wait() == 1
        with hold(store, "run-3"):
            assert store.query("SELECT state FROM runs") == [{"state": "failed"}]
        assert contents_of(store) == {}


def test_the_heartbeat_notices_a_lost_connection(postgres_database: str) -> None:
    with open_store(postgres_database) as store, hold(store, "run-1", heartbeat_seconds=0.05) as lock:
        terminate(postgres_database, store)
        assert lock.lost.wait(10)


def test_the_session_of_a_silent_host_is_ended(postgres_database: str) -> None:
    with open_store(postgres_database) as store, program(HOLDER, postgres_database, "30") as holder:
        change_row(store, host="elsewhere", heartbeat_at="2026-01-01T00:00:00.000000Z")
        with hold(store, "run-3"):
            assert [run["state"] for run in store.runs()] == ["failed"]
            told(holder, "go on")
            assert holder.wait() == 1
        assert contents_of(store) == {}


def terminate(url: str, store: Store) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [lock_rows(store)[0]["backend_pid"]])
        wait_for(lambda: admin.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchall() == [])


def test_only_one_of_two_runners_wins_each_race(store: Store, any_database: str) -> None:
    with program(RACER, any_database, "a") as a, program(RACER, any_database, "b") as b:
        for race in range(1, RACES + 1):
            for racer in (a, b):
                told(racer, str(race))
            answers = sorted(heard(racer) for racer in (a, b))
            for racer in (a, b):
                told(racer, "leave")
            assert [heard(racer) for racer in (a, b)] == ["over", "over"]
            assert answers == ["busy", "won"]
    assert store.query("SELECT COUNT(*) AS n FROM publications") == [{"n": RACES}]
    assert store.query("SELECT DISTINCT state FROM runs") == [{"state": "published"}]


def test_a_database_in_memory_is_held_too() -> None:
    with open_store("sqlite://") as store, hold(store, "run-1"):
        publish(store, begun(store, 1), 1)


def test_the_operating_systems_lock_is_not_shared(any_database: str) -> None:
    with open_store(any_database) as store:
        first, second = exclusive(store.engine), exclusive(store.engine)
        assert [first.acquire(), second.acquire()] == [True, False]
        first.release()
        assert second.acquire()
        second.release()


def test_a_lock_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'cadastra.db'}") as store:
        (tmp_path / "cadastra.db.lock").mkdir()
        with pytest.raises(CadastraError, match=r"cadastra.db.lock cannot be locked"), hold(store, "run-1"):
            pytest.fail("not held")


def test_a_process_that_ended_is_gone_even_if_nobody_waited() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    wait_for(lambda: started(process.pid) is None)
    process.wait()
    process.stdout.close()
    assert started(os.getpid()) == started(os.getpid()) != started(1)
    assert started(2**22 + 1) is None
