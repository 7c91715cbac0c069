"""Fetching an engine out of the Debian archive without root, into a directory that needs nothing of the host.

The packages' whole closure, the C library included, is unpacked and the programs are run through the
unpacked loader, so that the host's own libraries never matter. apt itself verifies the archive's
signatures and every package's digest; it runs over a private root, so the host's packages stay untouched.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from providers.sandbox.catalogue import DebianOrigin, Engine, EngineInstallFailed, InstallProgress, OnInstallProgress
from providers.sandbox.loader import LIBRARIES, loader
from providers.sandbox.paths import cache_dir, downloads_dir, exclusive, scratch

_PROGRAM_DIRS = ("usr/bin", "usr/sbin")
_KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
# Named by the maintainers' scripts and wrappers (perl, debconf, init), not by any program that is run here.
_UNNEEDED = re.compile(
    r"(perl|perl-base|perl-modules|libperl|libgdbm|libdb5|debconf|libdebconf|libc-gconv|libdbi-perl|libdbd-|dpkg|tar"
    r"|adduser|passwd|login|init-system-helpers|sysvinit-utils|galera-|rsync|socat|lsof|iproute2|gawk|procps|libproc2"
    r"|psmisc|libpam|libaudit|libsemanage|util-linux|sensible-utils|ucf|coreutils|base-files|libreadline|readline-"
    r"|libsigsegv|gettext-base|netbase|libmpfr|libgmp|install-info|libmecab2|mecab|mysql-common|mariadb-common"
    r"|openssl-provider-legacy)[^:]*(:.*)?$|lib.*-perl$"
)
_PROGRAMS = re.compile(
    r"(mysql|mariadb)(d|dump|binlog|admin|-dump|-binlog|-admin|-backup)?$|mariadbd$|mbstream$|my_print_defaults$"
)
_BALLAST = (
    *(f"usr/share/{part}" for part in ("doc", "man", "locale", "lintian", "gcc", "gdb", "bug", "perl5", "menu")),
    *("var", "etc", f"{LIBRARIES}/gconv", f"{LIBRARIES}/perl-base"),
)
_POLL_S = 0.2


@dataclass(frozen=True)
class Package:
    """One package file; `digest` is `ALGORITHM:hexadecimal`, as apt prints it."""

    file_name: str
    size: int
    digest: str


@dataclass(frozen=True)
class Archive:
    """The Debian archive as this machine reaches it."""

    main: str
    security: str
    keyring: str


def install(engine: Engine, origin: DebianOrigin, prefix: Path, on_progress: OnInstallProgress) -> None:
    """Unpack the engine's closure into the empty directory `prefix` and write its `engine.json`.

    A lock file in the downloads directory (written by an earlier installation) whose package files are all
    there with the right digests spares the network.

    Raises:
        EngineInstallFailed: this machine or its archive lacks something; the sentence says what.
    """
    _require_tools(engine)
    packages = _from_downloads(engine)
    if packages is None:
        packages = _from_archive(engine, origin, on_progress)
    on_progress(InstallProgress(engine.name, "unpack", 0, 0, f"unpacking {len(packages)} packages"))
    for package in packages:
        _run(engine, ["dpkg-deb", "-x", str(downloads_dir() / package.file_name), str(prefix)])
    _merge_usr(prefix)
    _drop_ballast(prefix)
    on_progress(InstallProgress(engine.name, "verify", 0, 0, "checking that every program finds its libraries"))
    _check_closure(engine, prefix)
    record = {
        "engine": engine.name,
        "release": _release(origin, packages),
        "packages": {p.file_name: {"size": p.size, "digest": p.digest} for p in packages},
    }
    (prefix / "engine.json").write_text(json.dumps(record, indent=1))


def how_to_supply(engine: Engine) -> str:
    """What an operator without network has to put where."""
    return (
        f"connect this machine to a Debian archive (CUTOVER_DEBIAN_MIRROR names another one), or copy the directory "
        f"{downloads_dir()} from a machine on which `cutover engines install {engine.name}` has worked"
    )


def _require_tools(engine: Engine) -> None:
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise EngineInstallFailed(
            f"{engine.name} comes from Debian packages and {' and '.join(missing)} is not on this machine: "
            f"use a Debian-like machine, or copy {cache_dir() / 'engines'} from one."
        )
    if platform.machine() != "x86_64":
        raise EngineInstallFailed(
            f"{engine.name} is only packaged here for x86_64 and this machine is {platform.machine()}: "
            f"use an x86_64 machine, or put a server program of the same series on PATH."
        )


def _run(engine: Engine, command: list[str], cwd: Path | None = None) -> str:
    """Run an apt or dpkg command; its own first error line goes into the sentence."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.startswith(("E:", "W:", "Err"))]
        words = " ".join((lines or result.stderr.splitlines() or ["no reason given"])[0].split())[:300]
        raise EngineInstallFailed(f"{engine.name} could not be installed ({words}): {how_to_supply(engine)}.")
    return result.stdout


# ---- package files that are already here


def _lock_path(engine: Engine) -> Path:
    return downloads_dir() / f"{engine.name}.lock.json"


def _from_downloads(engine: Engine) -> list[Package] | None:
    """The packages of an earlier lock, if all its files are here and are what the lock says."""
    try:
        entries = json.loads(_lock_path(engine).read_text())["packages"]
        packages = [Package(name, int(entry["size"]), str(entry["digest"])) for name, entry in entries.items()]
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return packages if all(_is_intact(package) for package in packages) else None


def _is_intact(package: Package) -> bool:
    path = downloads_dir() / package.file_name
    algorithm, _, wanted = package.digest.partition(":")
    if Path(package.file_name).name != package.file_name or not path.is_file():
        return False
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, algorithm.lower()).hexdigest() == wanted


# ---- the archive


def _from_archive(engine: Engine, origin: DebianOrigin, on_progress: OnInstallProgress) -> list[Package]:
    archive = _archive(engine)
    root = cache_dir() / "apt" / origin.suites[0]

    def waiting() -> None:
        on_progress(InstallProgress(engine.name, "waiting", 0, 0, "another installation is using the package index"))

    with exclusive(root / "lock", waiting):
        on_progress(InstallProgress(engine.name, "index", 0, 0, f"reading the package index of {origin.suites[0]}"))
        apt = _update(engine, origin, archive, root)
        plan = _run(engine, [*apt, "install", "-s", "--no-install-recommends", *origin.packages])
        names = [name for name in re.findall(r"^Inst (\S+)", plan, re.M) if not _UNNEEDED.match(name)]
        listed = _run(engine, [*apt, "download", "--print-uris", *names], cwd=root)
        packages = [
            Package(name, int(size), digest)
            for name, size, digest in re.findall(r"^'\S+' (\S+) (\d+) (\S+)", listed, re.M)
        ]
        downloads_dir().mkdir(parents=True, exist_ok=True)
        _download(engine, apt, names, packages, on_progress)
    lock = {"packages": {p.file_name: {"size": p.size, "digest": p.digest} for p in packages}}
    _lock_path(engine).write_text(json.dumps(lock, indent=1))
    return packages


def _archive(engine: Engine) -> Archive:
    """The archive's addresses: the operator's override, else those of the machine's own apt."""
    override = os.environ.get("CUTOVER_DEBIAN_MIRROR", "")
    main = security = keyring = ""
    listing = _run(
        engine,
        ["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"],
    )
    own = _is_debian()
    for line in listing.splitlines():
        kind, address, release, component, signed_by = line.split("|")[:5]
        if kind != "Packages" or component != "main" or not own:
            continue
        if release.endswith("-security"):
            security = security or address
        elif "-" not in release:
            main = main or address
            keyring = keyring or (signed_by if Path(signed_by).is_file() else "")
    main, security = (override, "") if override else (main, security)
    if not main:
        raise EngineInstallFailed(
            f"{engine.name} comes from a Debian archive and this machine's apt names none: "
            f"set CUTOVER_DEBIAN_MIRROR to one, or {how_to_supply(engine).split(', or ')[1]}."
        )
    keyring = keyring or next((place for place in _KEYRINGS if Path(place).is_file()), "")
    if not keyring:
        raise EngineInstallFailed(
            f"{engine.name} was not installed because {_KEYRINGS[0]} is missing, without which Debian's signatures "
            f"cannot be verified: install the package debian-archive-keyring."
        )
    return Archive(main, security or re.sub(r"/debian/?$", "/debian-security/", main), keyring)


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def _update(engine: Engine, origin: DebianOrigin, archive: Archive, root: Path) -> list[str]:
    """A private apt root with a fresh index; a mirror without the security suite is used without it."""
    apt = _write_root(root, archive, origin.suites)
    try:
        _run(engine, [*apt, "update", "-qq"])
    except EngineInstallFailed:
        plain = tuple(suite for suite in origin.suites if not suite.endswith("-security"))
        if plain == origin.suites:
            raise
        apt = _write_root(root, archive, plain)
        _run(engine, [*apt, "update", "-qq"])
    return apt


def _write_root(root: Path, archive: Archive, suites: tuple[str, ...]) -> list[str]:
    for part in ("lists/partial", "cache/archives/partial", "state"):
        (root / part).mkdir(parents=True, exist_ok=True)
    # An empty status file: the closure does not depend on what this host has installed.
    (root / "status").write_text("")
    lines = [
        f"deb [arch=amd64 signed-by={archive.keyring}] "
        f"{archive.security if suite.endswith('-security') else archive.main} {suite} main\n"
        for suite in suites
    ]
    (root / "sources.list").write_text("".join(lines))
    # The host's hooks are meant for its own package database and may need root; its proxies stay in force.
    (root / "apt.conf").write_text(
        "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
        "#clear DPkg::Pre-Invoke;\n#clear DPkg::Post-Invoke;\n#clear DPkg::Pre-Install-Pkgs;\n"
        f'Dir::State "{root}/state"; Dir::State::lists "{root}/lists"; Dir::State::status "{root}/status";\n'
        f'Dir::Cache "{root}/cache"; Dir::Cache::archives "{root}/cache/archives"; Dir::Log "{root}";\n'
        f'Dir::Etc::sourcelist "{root}/sources.list"; Dir::Etc::sourceparts "/dev/null";\n'
        'Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";\n'
        'APT::Sandbox::User ""; APT::Architecture "amd64"; APT::Install-Recommends "false";\n'
        'APT::Get::AllowUnauthenticated "false"; Acquire::AllowInsecureRepositories "false";\n'
        'APT::Update::Error-Mode "any"; Acquire::Languages "none"; Acquire::Retries "1";\n'
        'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";\n'
        'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";\n'
    )
    return ["apt-get", "-c", str(root / "apt.conf")]


def _download(
    engine: Engine, apt: list[str], names: list[str], packages: list[Package], on_progress: OnInstallProgress
) -> None:
    """Fetch what is not here yet; apt checks each digest against the signed index, then it is checked again."""
    wanted = [package for package in packages if not _is_intact(package)]
    stems = {package.file_name.split("_")[0] for package in wanted}
    fetch = [name for name in names if name.split(":")[0] in stems]
    if not fetch:
        return
    total = sum(package.size for package in wanted) / 1e6
    with scratch(downloads_dir(), engine.name) as work:
        with _watched(engine, work, total, on_progress):
            _run(engine, [*apt, "download", *fetch], cwd=work)
        for path in work.glob("*.deb"):
            path.rename(downloads_dir() / path.name)
    for package in wanted:
        if not _is_intact(package):
            raise EngineInstallFailed(
                f"{engine.name} was not installed because {package.file_name} does not have the digest "
                f"{package.digest} of the signed index: delete it in {downloads_dir()} and install again."
            )


@contextmanager
def _watched(engine: Engine, work: Path, total_mb: float, on_progress: OnInstallProgress) -> Iterator[None]:
    """Report the size of what has come so far while the body runs."""
    done = threading.Event()

    def report() -> None:
        while True:
            size = sum(path.stat().st_size for path in work.glob("*") if path.exists())
            on_progress(
                InstallProgress(engine.name, "download", min(size / 1e6, total_mb), total_mb, "fetching packages")
            )
            if done.wait(_POLL_S):
                return

    watcher = threading.Thread(target=report, name=f"watch {engine.name}")
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


# ---- the unpacked tree


def _merge_usr(prefix: Path) -> None:
    """Fold /lib, /bin and the like of packages that predate the merged /usr into usr/."""
    for name in ("lib", "lib64", "bin", "sbin"):
        old, merged = prefix / name, prefix / "usr" / name
        if old.is_dir() and not old.is_symlink():
            shutil.copytree(old, merged, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)


def _drop_ballast(prefix: Path) -> None:
    for name in _BALLAST:
        shutil.rmtree(prefix / name, ignore_errors=True)
    for directory in _PROGRAM_DIRS:
        for path in (prefix / directory).glob("*"):
            if not _PROGRAMS.match(path.name):
                path.unlink()


def _check_closure(engine: Engine, prefix: Path) -> None:
    """Every program must find all its libraries, and all of them below the prefix."""
    command = [*loader(prefix), "--list"]
    for path in (path for directory in _PROGRAM_DIRS for path in (prefix / directory).glob("*")):
        if path.is_symlink() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
        missing = re.findall(r"(\S+) => not found", result.stdout)
        outside = [found for found in re.findall(r"=> (/\S+) \(", result.stdout) if not found.startswith(str(prefix))]
        if result.returncode != 0 or missing or outside:
            raise EngineInstallFailed(
                f"{engine.name} was not installed because its program {path.name} lacks "
                f"{', '.join(missing or outside) or 'a loader'} in the packages that the archive has now: "
                f"use another mirror in CUTOVER_DEBIAN_MIRROR, or put a server program of the same series on PATH."
            )


def _release(origin: DebianOrigin, packages: list[Package]) -> str:
    """The upstream release of the first wanted package, without Debian's epoch and revision."""
    for package in packages:
        name, version = package.file_name.split("_")[:2]
        if name == origin.packages[0]:
            return re.sub(r"^\d+(%3a|:)", "", version).split("-")[0]
    return ""
