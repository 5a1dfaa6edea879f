"""A bill of materials, without this machine's paths, and checked: it is valid, and nothing is missing."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]


def linked(target):
    """Every crate that ends up in the binary, as Cargo says."""
    told = subprocess.run(
        ["cargo", "tree", "--locked", "--edges=normal,no-proc-macro", "--prefix=none", f"--target={target}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    crates = {tuple(line.split()[:2]) for line in told.stdout.splitlines() if line}
    return {(name, version.removeprefix("v")) for name, version in crates if name != "parlor"}


def vendored():
    """What is in the binary beside crates."""
    bundle = (ROOT / "src/client/swagger-ui/swagger-ui-bundle.js").read_bytes()
    version = re.search(rb'PACKAGE_VERSION:"([^"]+)"', bundle)[1].decode()
    address = f"pkg:npm/swagger-ui-dist@{version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": "swagger-ui-dist",
        "version": version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(bundle).hexdigest()}],
        "licenses": [{"expression": "Apache-2.0"}],
        "purl": address,
    }


def main(path, target):
    bom = json.loads(path.read_text().replace(f"path+file://{ROOT}#", "pkg:cargo/"))
    bom["components"].append(vendored())
    text = json.dumps(bom, indent=2) + "\n"
    path.write_text(text)
    if error := JsonStrictValidator(SchemaVersion.V1_5).validate_str(text):
        raise SystemExit(f"it is not valid: {error}")
    if str(ROOT) in text:
        raise SystemExit("it tells where it was made")
    components = bom["components"]
    known = {(component["name"], component["version"]) for component in components}
    if missing := linked(target) - known:
        raise SystemExit(f"not listed: {sorted(missing)}")
    for component in components:
        if not all(component.get(part) for part in ("licenses", "hashes", "purl")):
            raise SystemExit(f"{component['name']} lacks a licence, a hash or its address")
    print(f"{len(components)} parts, each with its licence and hash")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
