from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from infra.certificates import FOLDER, file_of, fingerprints, unknown_cas
from infra.step import PreconditionFailed

REGIONS = sorted(path.stem for path in FOLDER.glob("*.pem"))


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_has_its_three_roots_and_nothing_else(region: str) -> None:
    # GIVEN the certificates that functions in a region trust
    roots = x509.load_pem_x509_certificates(file_of(region).read_bytes())
    names = {each.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for each in roots}
    # THEN they are the roots of Amazon RDS in that region, each self-signed and valid for decades
    kinds = ("RSA2048", "RSA4096", "ECC384")
    assert names == {f"Amazon RDS {region} Root CA {kind} G1" for kind in kinds}
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.not_valid_after_utc.year > 2060


def test_fingerprints_are_what_rds_calls_thumbprints() -> None:
    # The fingerprint of us-east-1's RSA 2048 root, as published with the certificate
    assert "2fa77ef894d983ba9d37ad699c84ab0f657be1c8" in fingerprints(file_of("us-east-1").read_text())
    roots = x509.load_pem_x509_certificates(file_of("eu-west-1").read_bytes())
    assert fingerprints(file_of("eu-west-1").read_text()) == {
        root.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - RDS uses SHA-1
        for root in roots
    }


class Rds:
    """A fake boto3 client of RDS that has these certificates."""

    def __init__(self, **thumbprints: str) -> None:
        self._certificates = [
            {"CertificateIdentifier": name, "CertificateType": "CA", "Thumbprint": thumbprint}
            for name, thumbprint in thumbprints.items()
        ]

    def get_paginator(self, name: str) -> "Rds":
        assert name == "describe_certificates"
        return self

    def paginate(self) -> Iterator[dict[str, Any]]:
        for each in self._certificates:  # one page each
            yield {"Certificates": [each]}


def test_unknown_authorities_of_rds_are_found() -> None:
    known = sorted(fingerprints(file_of("eu-west-1").read_text()))
    # WHEN RDS signs with CAs that our file contains THEN none is unknown
    assert unknown_cas(Rds(a=known[0], b=known[1].upper()), "eu-west-1") == []
    # WHEN it also signs with another one THEN the function returns its name
    assert unknown_cas(Rds(a=known[0], new="00" * 20), "eu-west-1") == ["new"]


def test_a_region_without_certificates_is_an_error() -> None:
    with pytest.raises(
        PreconditionFailed, match=r"xx-new-1.pem does not exist; download the region's certificate bundle"
    ):
        file_of("xx-new-1")
