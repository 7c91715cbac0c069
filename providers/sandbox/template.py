"""Prepared data directories: made once an engine, copied for every server."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pymysql

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import launcher, passwords
from providers.sandbox.options import COLLATION, Options, base_options
from providers.sandbox.passwords import Passwords
from providers.sandbox.paths import exclusive, scratch, templates_dir
from providers.sandbox.ports import LOOPBACK, reserve
from providers.sandbox.programs import ServerProgram

# Part of a template's name: raise it when what is put into a template changes.
_FORMAT = 2
_STOP_S = 60.0
# What MariaDB's installation script feeds the bootstrap; 11.x names the files mariadb_*.
_MARIADB_SCRIPTS = (
    ("mysql_system_tables.sql", "mariadb_system_tables.sql"),
    ("mysql_performance_tables.sql", "mariadb_performance_tables.sql"),
    ("mysql_system_tables_data.sql", "mariadb_system_tables_data.sql"),
    ("maria_add_gis_sp_bootstrap.sql",),
    ("mysql_sys_schema.sql", "mariadb_sys_schema.sql"),
)
_MARIADB_NO_SERVER_ACCOUNTS = "set @auth_root_socket=NULL, @current_hostname='localhost', @skip_auth_anonymous=1;\n"


def copy(found: ServerProgram, data_dir: Path) -> None:
    """Put a copy of the engine's template at `data_dir`; the server in it has no identity yet."""
    source = prepare(found)
    # Reflinks where the file system has them; never hard links, since servers write their files in place.
    subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=auto", str(source), str(data_dir)], check=True)


def prepare(found: ServerProgram) -> Path:
    """The engine's template, made now if it is not there; other processes wait for it meanwhile.

    Raises:
        ServerFailed: the engine could not make it; the sentence quotes what it said.
    """
    accounts = passwords.load()
    identity = hashlib.sha256(f"{_FORMAT} {accounts.fingerprint} {found.identity}".encode()).hexdigest()[:12]
    target = templates_dir() / f"{found.engine.name}-{identity}"
    if target.is_dir():
        return target
    with exclusive(templates_dir() / f".{found.engine.name}.lock"):
        if not target.is_dir():
            with scratch(templates_dir(), found.engine.name) as work:
                _make(found, work, accounts)
                (work / "data").rename(target)
    return target


def _make(found: ServerProgram, work: Path, accounts: Passwords) -> None:
    data = work / "data"
    (work / "tmp").mkdir()
    if found.seed_data is not None:
        shutil.copytree(found.seed_data, data)
        for path in data.glob("ib_logfile*"):
            path.unlink()
    elif found.engine.family == "mariadb":
        _bootstrap_mariadb(found, data)
    else:
        _bootstrap_mysql(found, work, data)
    _create_accounts(found, work, data, accounts)
    # The server makes itself a new identity when it finds none.
    (data / "auto.cnf").unlink(missing_ok=True)


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def _run(found: ServerProgram, command: list[str], text: str | None = None) -> None:
    result = subprocess.run(command, input=text, text=True, errors="replace", capture_output=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "ERROR" in line.upper()]
        raise launcher.ServerFailed(
            f"{found.engine.name} could not make a data directory ({(lines or ['no reason given'])[-1][:300]}): "
            f"install the engine again."
        )


def _bootstrap_mysql(found: ServerProgram, work: Path, data: Path) -> None:
    settings = {
        "innodb_data_file_path": "ibdata1:12M:autoextend",
        "loose-innodb-redo-log-capacity": "32M",
        "innodb_doublewrite": "OFF",
        "loose-log-syslog": "0",
    }
    _run(
        found,
        [
            *(*found.command, "--no-defaults", *found.arguments, *_as_root()),
            *("--initialize-insecure", f"--datadir={data}", f"--secure-file-priv={work / 'tmp'}"),
            *(f"--{key}={value}" for key, value in settings.items()),
        ],
    )


def _bootstrap_mariadb(found: ServerProgram, data: Path) -> None:
    data.mkdir()
    script = ["create database if not exists mysql;\nuse mysql;\n"]
    for names in _MARIADB_SCRIPTS:
        path = next((found.share / name for name in names if (found.share / name).exists()), None)
        if path is not None:
            script.append(_MARIADB_NO_SERVER_ACCOUNTS if path.name.endswith("_data.sql") else "")
            script.append(path.read_text() + "\n")
    _run(
        found,
        [
            *(*found.command, "--no-defaults", *found.arguments, *_as_root()),
            *("--bootstrap", f"--datadir={data}", "--log-warnings=0", "--enforce-storage-engine="),
            *("--max-allowed-packet=8M", "--net-buffer-length=16K"),
        ],
        "".join(script),
    )


def _create_accounts(found: ServerProgram, work: Path, data: Path, accounts: Passwords) -> None:
    """Run the server once with the statements as its init file, which needs no login."""
    statements = work / "accounts.sql"
    with os.fdopen(os.open(statements, os.O_WRONLY | os.O_CREAT, 0o600), "w") as handle:
        handle.writelines(f"{statement};\n" for statement in _account_statements(found, accounts))
    log = work / "error.log"
    with reserve() as port:
        settings: Options = {
            **base_options(found.engine),
            "datadir": str(data),
            "port": str(port.number),
            "bind_address": LOOPBACK,
            "log_error": str(log),
            "init_file": str(statements),
        }
        if _is_modern(found):
            settings["disable_log_bin"] = "1"
        process = launcher.launch(found, work, settings)
        name = f"the template of {found.engine.name}"
        try:
            launcher.wait_ready(process, name, port.number, log)
            _check_logins(Endpoint(name, LOOPBACK, port.number, accounts.administrator), _accounts(found, accounts))
            process.terminate()
            process.wait(_STOP_S)
        finally:
            process.kill()
            process.wait()
    for leftover in data.glob("server.sock*"):
        leftover.unlink()


def _accounts(found: ServerProgram, accounts: Passwords) -> tuple[Account, ...]:
    usual = (accounts.administrator, accounts.replication, accounts.application)
    return (*usual, accounts.old_replication) if _is_modern(found) else usual


def _is_modern(found: ServerProgram) -> bool:
    return found.engine.family == "mysql" and found.engine.at_least(8, 0)


def _check_logins(endpoint: Endpoint, accounts: tuple[Account, ...]) -> None:
    """An init file's errors are only logged, so see that every account is there."""
    for account in accounts:
        try:
            launcher.connect(replace(endpoint, account=account)).close()
        except pymysql.err.Error as error:
            raise launcher.ServerFailed(
                f"{endpoint.name} did not get its account {account.user} ({error.args}): install the engine again."
            ) from error


def _account_statements(found: ServerProgram, accounts: Passwords) -> list[str]:
    """The sandbox's accounts and no other that a person could use; passwords are URL-safe and need no quoting."""
    engine = found.engine
    admin, repl, app = accounts.administrator, accounts.replication, accounts.application
    monitor = ", SLAVE MONITOR" if engine.family == "mariadb" and engine.at_least(10, 5) else ""
    if engine.family == "mysql" and engine.at_least(5, 7):
        statements = ["DROP USER IF EXISTS root@localhost"]
    else:
        table = "global_priv" if engine.family == "mariadb" else "user"
        statements = [f"DELETE FROM mysql.{table} WHERE User IN ('', 'root')", "FLUSH PRIVILEGES"]
    statements.append("DROP DATABASE IF EXISTS test")
    for host in ("%", "localhost"):
        statements += [
            f"CREATE USER '{admin.user}'@'{host}' IDENTIFIED BY '{admin.password.reveal()}'",
            f"GRANT ALL ON *.* TO '{admin.user}'@'{host}' WITH GRANT OPTION",
        ]
    statements += [
        f"CREATE USER '{repl.user}'@'%' IDENTIFIED BY '{repl.password.reveal()}'",
        f"GRANT REPLICATION SLAVE, REPLICATION CLIENT{monitor} ON *.* TO '{repl.user}'@'%'",
        f"CREATE USER '{app.user}'@'%' IDENTIFIED BY '{app.password.reveal()}'",
        f"GRANT ALL ON shop.* TO '{app.user}'@'%'",
    ]
    if _is_modern(found):
        old = accounts.old_replication.user
        statements += [
            f"CREATE USER '{old}'@'127.0.0.1' IDENTIFIED WITH sha256_password BY ''",
            f"GRANT REPLICATION SLAVE ON *.* TO '{old}'@'127.0.0.1'",
            f"SET PERSIST default_collation_for_utf8mb4 = {COLLATION}",
        ]
    return statements
