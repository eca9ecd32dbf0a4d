"""The Lambda bundle: the right files, the right wheels, the same bytes everywhere."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from packaging.tags import platform_tags

from infra import bundle
from infra.bundle import LAMBDA_ARM64, Bundle, Platform, build_bundle
from infra.errors import BundleFailed
from tests.unit.infra.program import ROOT, Program

MAX_BUNDLE_BYTES = 15_000_000
AARCH64 = 183
"""ELF e_machine of 64-bit Arm."""

RUNTIME_MODULES = ("botocore", "jmespath", "dateutil", "urllib3", "six")
"""What Lambda's own runtime brings; all pure Python, so any interpreter can borrow it."""

PROBE = """
import json, os, sys
bundle, runtime = sys.argv[1:]
sys.path[:0] = [bundle, runtime]
sys.dont_write_bytecode = True
from lambdas.credentials.handler import build
handle = build(json.loads(sys.stdin.read()))
answer = handle({"version": "2.0", "rawPath": "/credentials", "headers": {},
                 "requestContext": {"http": {"method": "POST", "path": "/credentials"},
                                    "requestId": "r"}}, None)
import jwt, cryptography.hazmat.bindings._rust as rust, wire.token
print(json.dumps({"status": answer["statusCode"], "body": json.loads(answer["body"]),
                  "files": [m.__file__ for m in (jwt, rust, wire.token)]}))
"""


def interpreters() -> dict[str, str]:
    """Return the Python of the tests and, where this machine has one, the Lambda's own version."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    name = f"python{LAMBDA_ARM64.python}"
    kept = sorted(Path.home().glob(f".pyenv/versions/{LAMBDA_ARM64.python}.*/bin/{name}"))
    for candidate in filter(None, [shutil.which(name), *map(str, kept)]):
        asked = subprocess.run([candidate, "-c", ""], capture_output=True, check=False)
        if asked.returncode == 0:
            found.setdefault(LAMBDA_ARM64.python, candidate)
    return found


@pytest.fixture(scope="module")
def arm64() -> Bundle:
    """The bundle that is deployed."""
    return build_bundle(ROOT, "credentials")


@pytest.fixture
def copy(tmp_path: Path, arm64: Bundle) -> Path:
    """What a bundle is made of, in another folder, with the fetched wheels."""
    root = tmp_path / "copy"
    shutil.copytree(ROOT / "wire", root / "wire")
    shutil.copytree(ROOT / "lambdas", root / "lambdas")
    shutil.copytree(arm64.path.parent / "wheels", root / "build" / "wheels")
    return root


def members_of(built: Bundle) -> dict[str, bytes]:
    """Unpack a bundle in memory."""
    with zipfile.ZipFile(built.path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_bundle_holds_our_code_under_its_repository_paths(arm64: Bundle) -> None:
    """The handler's dotted name is the same in Lambda, in tests and in localaws."""
    members = members_of(arm64)
    for name in ("wire/token.py", "wire/policy.py", "lambdas/credentials/handler.py"):
        assert members[name] == (ROOT / name).read_bytes()
    own = {name for name in members if name.split("/")[0] in {"wire", "lambdas"}}
    sources = {
        path.relative_to(ROOT).as_posix()
        for folder in ("wire", "lambdas/credentials")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert own - {"lambdas/__init__.py"} == sources


def test_the_bundle_holds_nothing_it_should_not(arm64: Bundle) -> None:
    """No SDK (the runtime has it), no caches, no tests, and no other program of ours."""
    for name in members_of(arm64):
        assert "__pycache__" not in name
        assert not name.endswith((".pyc", ".pyi", "RECORD"))
        assert name.split("/")[0] not in {
            "boto3", "botocore", "pulumi", "infra", "gateway", "localaws", "tests",
        }  # fmt: skip


def test_the_bundle_is_small(arm64: Bundle) -> None:
    """Lambda takes 50 MB; ours stays under 15."""
    assert arm64.path.stat().st_size < MAX_BUNDLE_BYTES


def test_every_library_is_for_the_lambdas_platform(arm64: Bundle) -> None:
    """Each shared object is 64-bit Arm, and each wheel says Linux on Arm or no platform at all."""
    members = members_of(arm64)
    shared = [content for name, content in members.items() if name.endswith(".so")]
    assert len(shared) == 2
    for content in shared:
        assert content[:5] == b"\x7fELF\x02"
        assert struct.unpack_from("<H", content, 18)[0] == AARCH64
    tags = [
        line.removeprefix("Tag: ")
        for name, content in members.items()
        if name.endswith(".dist-info/WHEEL")
        for line in content.decode().splitlines()
        if line.startswith("Tag: ")
    ]
    assert tags
    for tag in tags:
        assert re.fullmatch(r"(py3-none-any|cp3\d+-(abi3|cp313)-manylinux\w+_aarch64)", tag), tag


def test_licences_travel_with_the_code(arm64: Bundle) -> None:
    """Every third-party package keeps its licence file."""
    names = arm64.members
    packages = {name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA")}
    assert len(packages) == 3
    for package in packages:
        assert any(name.startswith(f"{package}/licenses/") for name in names), package


def test_the_versions_are_the_tested_ones() -> None:
    """The Lambda's pins equal the repository's, and each carries hashes."""
    pinned = dict(re.findall(r"^(\w+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.M))
    text = (ROOT / "lambdas" / "credentials" / "requirements.txt").read_text()
    ours = dict(re.findall(r"^(\w+)==([\w.]+) \\\n    --hash=sha256:", text, re.M))
    assert set(ours) == {"pyjwt", "cryptography", "cffi"}
    assert all(pinned[name] == version for name, version in ours.items())


def test_the_zip_says_nothing_about_the_machine(arm64: Bundle) -> None:
    """Sorted members, one fixed time, one mode, stored: nothing varies but the content."""
    with zipfile.ZipFile(arm64.path) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(arm64.members)
    for info in infos:
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.external_attr == 0o100644 << 16
        assert info.compress_type == zipfile.ZIP_STORED
        assert info.create_system == 3


def test_the_same_input_gives_the_same_hash_anywhere(arm64: Bundle, copy: Path) -> None:
    """Another folder, other times and modes, caches and stray files: the same bytes."""
    for number, path in enumerate(sorted((copy / "wire").rglob("*.py"))):
        os.utime(path, (number, number))
        path.chmod(0o755)
    (copy / "wire" / "__pycache__").mkdir(exist_ok=True)
    (copy / "wire" / "__pycache__" / "token.cpython-313.pyc").write_bytes(b"x")
    (copy / "lambdas" / "credentials" / "notes.txt").write_text("x")
    again = build_bundle(copy, "credentials")
    assert again.path != arm64.path
    assert again.code_sha256 == arm64.code_sha256
    digest = hashlib.sha256(again.path.read_bytes()).digest()
    assert again.code_sha256 == base64.b64encode(digest).decode()


def test_a_changed_source_gives_another_hash(arm64: Bundle, copy: Path) -> None:
    """What is deployed follows the code."""
    source = copy / "wire" / "token.py"
    source.write_text(source.read_text() + "\n# changed\n")
    assert build_bundle(copy, "credentials").code_sha256 != arm64.code_sha256


@pytest.mark.parametrize("version", interpreters())
def test_an_isolated_interpreter_runs_the_handler(version: str, tmp_path: Path) -> None:
    """Built for this machine by the same function, unpacked, with nothing else to import from."""
    native = Platform(wheel_tags=tuple(platform_tags()), python=version)
    with zipfile.ZipFile(build_bundle(ROOT, "credentials", native).path) as archive:
        archive.extractall(tmp_path / "bundle")
    (tmp_path / "runtime").mkdir()
    for name in RUNTIME_MODULES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (tmp_path / "runtime" / origin.name).symlink_to(origin)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048).public_key()
    environment = {
        "CREDENTIALS_NAMESPACE": "prod",
        "CREDENTIALS_CLIENT_ROLE_ARN": "arn:aws:iam::123456789012:role/prod-client",
        "CREDENTIALS_IOT_ENDPOINT": "wss://x-ats.iot.eu-west-1.amazonaws.com/mqtt",
        "CREDENTIALS_REGION": "eu-west-1",
        "CREDENTIALS_JWT_PUBLIC_KEY": key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        "CREDENTIALS_JWT_ALGORITHMS": "RS256",
    }
    done = subprocess.run(
        [
            interpreters()[version],
            "-I",
            "-S",
            "-c",
            PROBE,
            tmp_path / "bundle",
            tmp_path / "runtime",
        ],
        input=json.dumps(environment),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == 401
    assert told["body"]["status"] == 401
    assert all(file.startswith(str(tmp_path / "bundle")) for file in told["files"])


def test_the_function_runs_the_bundle(minimal: Program, arm64: Bundle) -> None:
    """What the program deploys is this zip, with a handler that is in it."""
    function = minimal.one("lambda/function:Function", "credentials")
    assert (ROOT / function.inputs["code"].path).samefile(arm64.path)
    module, _, attribute = function.inputs["handler"].rpartition(".")
    assert f"{module.replace('.', '/')}.py" in arm64.members
    assert attribute == "handler"


def test_pips_own_words_explain_a_failure(tmp_path: Path) -> None:
    """A requirements file that pip cannot read fails with what pip said, and leaves nothing."""
    folder = tmp_path / "lambdas" / "credentials"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("no requirement at all\n")
    with pytest.raises(BundleFailed, match="Invalid requirement") as caught:
        build_bundle(tmp_path, "credentials")
    assert caught.value.function == "credentials"
    assert list((tmp_path / "build" / "wheels").iterdir()) == []


def test_a_pip_that_hangs_is_given_up(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is bounded, and the message names the bound."""
    monkeypatch.setattr(bundle, "PIP_TIMEOUT_S", 0)
    shutil.rmtree(copy / "build")
    with pytest.raises(BundleFailed, match="longer than 0 s"):
        build_bundle(copy, "credentials")


def test_two_files_of_one_name_are_refused() -> None:
    """Equal twins are one file; different ones would silently shadow each other."""
    members: dict[str, bytes] = {}
    bundle._add("credentials", members, "a.py", b"1")
    bundle._add("credentials", members, "a.py", b"1")
    with pytest.raises(BundleFailed, match=r"claim the name a\.py"):
        bundle._add("credentials", members, "a.py", b"2")


def test_a_wheel_that_must_be_installed_is_refused(tmp_path: Path) -> None:
    """Only pip can place a wheel's data folder; unpacking it would quietly lose files."""
    wheel = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x-1.data/scripts/x", "")
    with pytest.raises(BundleFailed, match="only pip can place"):
        list(bundle._wheel_members("credentials", wheel))


def test_a_download_that_another_build_finished_first_is_used(tmp_path: Path) -> None:
    """Two builds at once end with one complete folder of wheels."""
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    for folder in (fresh, kept):
        folder.mkdir()
        (folder / "x.whl").write_bytes(b"")
    bundle._settle(fresh, kept)
    assert kept.exists()
    assert not fresh.exists()


def test_a_download_that_cannot_be_moved_is_an_error(tmp_path: Path) -> None:
    """A missing folder is not mistaken for another build's success."""
    with pytest.raises(OSError, match="No such file"):
        bundle._settle(tmp_path / "fresh", tmp_path / "kept")


def test_an_interrupted_build_leaves_no_half_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader finds the old zip or the new one, and no leavings."""

    def fail(*_: object, **__: object) -> Iterator[None]:
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with pytest.raises(KeyboardInterrupt):
        bundle._write_zip(tmp_path / "x.zip", {"a.py": b""})
    assert list(tmp_path.iterdir()) == []


BRIDGE_PROBE = """
import json, sys
sys.path[:0] = sys.argv[1:]
sys.dont_write_bytecode = True
from lambdas.sns_bridge.handler import build
handle = build(json.loads(sys.stdin.read()))
print(json.dumps([handle({"Records": []}, None), sorted({"jwt", "boto3"} & set(sys.modules))]))
"""


def test_the_bridges_bundle_is_our_code_alone() -> None:
    """It needs nothing but botocore, so nothing is downloaded and nothing is for a platform."""
    built = build_bundle(ROOT, "sns_bridge")
    assert built.path.stat().st_size < 500_000
    assert {name.split("/")[0] for name in built.members} == {"lambdas", "wire"}
    assert "lambdas/sns_bridge/handler.py" in built.members
    assert not any(name.startswith("lambdas/credentials") for name in built.members)
    assert build_bundle(ROOT, "sns_bridge").code_sha256 == built.code_sha256


@pytest.mark.parametrize("version", interpreters())
def test_an_isolated_interpreter_runs_the_bridge(version: str, tmp_path: Path) -> None:
    """Unpacked, with the runtime's SDK and nothing else to import from."""
    with zipfile.ZipFile(build_bundle(ROOT, "sns_bridge").path) as archive:
        archive.extractall(tmp_path / "bundle")
    (tmp_path / "runtime").mkdir()
    for name in RUNTIME_MODULES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (tmp_path / "runtime" / origin.name).symlink_to(origin)
    routes = {"arn:aws:sqs:eu-west-1:123456789012:q": {"to": "everyone", "raw": True, "sns": "t"}}
    environment = {
        "AWS_REGION": "eu-west-1",
        "SNS_BRIDGE_NAMESPACE": "prod",
        "SNS_BRIDGE_IOT_ENDPOINT": "https://x-ats.iot.eu-west-1.amazonaws.com",
        "SNS_BRIDGE_ROUTES": json.dumps(routes),
    }
    done = subprocess.run(
        [interpreters()[version], "-I", "-S", "-c", BRIDGE_PROBE]
        + [str(tmp_path / folder) for folder in ("bundle", "runtime")],
        input=json.dumps(environment),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [{"batchItemFailures": []}, []]
