"""AWS as moto plays it, over real HTTP, with the few things that stock moto lacks for us.

Chalice imports its REST API as Swagger 2.0 without a description, answers preflights by mock integrations without a
`uri` or method, and asks for a layer by its ARN. Lambda does not tell how much may run at once, nor RDS its
certificates. Functions run in Docker, which is not everywhere: here they are run by the test (`functions`). Each is
mended below, and nothing else: whatever is compared in tests comes from what moto was sent (`imported`) or keeps.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto.apigateway.models import APIGatewayBackend
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.core.responses import ActionResult
from moto.moto_api._internal.models import moto_api_backend
from moto.rds.responses import RDSResponse
from moto.server import ThreadedMotoServer

from infra.certificates import file_of, fingerprints

ACCOUNT = "123456789012"
REGION = "eu-west-1"


@dataclass(frozen=True, slots=True)
class Account:
    """A made-up account. `imported`: the REST APIs that were sent, as they were sent, the latest last."""

    url: str
    imported: list[dict[str, Any]]
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """What runs when a function is called, by its name: takes the event, gives what is returned."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to talk to it, and to nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def client(self, service: str) -> Any:
        """A boto3 client for one of its services."""
        import boto3

        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


@contextmanager
def account() -> Iterator[Account]:
    """An empty account on a free port."""
    imported: list[dict[str, Any]] = []
    functions: dict[str, Callable[[Any], Any]] = {}
    put_rest_api, import_rest_api = APIGatewayBackend.put_rest_api, APIGatewayBackend.import_rest_api

    def put(backend: Any, function_id: str, api_doc: dict[str, Any], **options: Any) -> Any:
        imported.append(json.loads(json.dumps(api_doc)))
        return put_rest_api(backend, function_id, _as_moto_reads_it(api_doc), **options)

    def create(backend: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        api_doc["info"].setdefault("description", "")
        return import_rest_api(backend, api_doc, fail_on_warnings)

    def layer_by_arn(response: LambdaResponse) -> str:
        _, _, _, region, owner, _, name, version = response._get_param("Arn").split(":")
        layer = lambda_backends[owner][region].get_layer_version(name, version)
        return json.dumps(layer.get_layer_version())

    def account_settings(_response: LambdaResponse) -> str:
        limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        return json.dumps({"AccountLimit": limit, "AccountUsage": {}})

    def invoke(function: LambdaFunction, body: str, _headers: Any, _response_headers: Any) -> bytes:
        return json.dumps(functions[function.function_name](json.loads(body))).encode()

    with (
        patch.object(APIGatewayBackend, "put_rest_api", put),
        patch.object(APIGatewayBackend, "import_rest_api", create),
        patch.object(LambdaResponse, "get_layer_version_by_arn", layer_by_arn, create=True),
        patch.object(LambdaResponse, "get_account_settings", account_settings, create=True),
        patch.dict(url_paths, {r"{0}/(?P<api_version>[^/]+)/account-settings/?$": LambdaResponse.dispatch}),
        patch.object(LambdaFunction, "invoke", invoke),
        patch.object(RDSResponse, "describe_certificates", _certificates, create=True),
    ):
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield Account(f"http://{host}:{port}", imported, functions)
        finally:
            server.stop()
            _reset()


def _as_moto_reads_it(document: dict[str, Any]) -> dict[str, Any]:
    """The same API, as OpenAPI 3 and with a `uri` and a method in each integration."""
    document = {name: value for name, value in document.items() if name != "swagger"} | {"openapi": "3.0.0"}
    for methods in document["paths"].values():
        for method in methods.values():
            integration = method["x-amazon-apigateway-integration"]
            integration.setdefault("uri", "")
            integration.setdefault("httpMethod", "")
    return document


def _certificates(_response: RDSResponse) -> ActionResult:
    """Authorities that RDS signs with: those of the file for the region, so that this proves nothing of the file."""
    known = sorted(fingerprints(file_of(REGION).read_text(encoding="ascii")))
    found = [{"CertificateIdentifier": f"ca-{each[:6]}", "CertificateType": "CA", "Thumbprint": each} for each in known]
    return ActionResult({"Certificates": found})


def _reset() -> None:
    """Forget all: moto's backends are the process's."""
    moto_api_backend.reset()
