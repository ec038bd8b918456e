"""AWS simulated by moto over real HTTP, with operations that moto lacks.

Chalice imports its REST API as Swagger 2.0 without a description, answers preflights with mock integrations that have
no `uri` and no method, and requests a layer by its ARN. Moto supports none of this. It also lacks Lambda's account
settings, RDS's certificates and the use of API keys. Moto runs functions in Docker, which some machines lack; here the
test supplies them as `functions`. Tests check the documents that moto received (`imported`) and the resources that it
stores.

Moto's Distributed Map, which a backfill needs, knows neither JSON lines nor batches nor the settings of a writer, and
its tasks look for AWS at the port in MOTO_PORT. Here its reader of JSON reads lines and makes batches, and the
definition leaves out the rest.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched, chain
from typing import Any
from unittest.mock import patch

from moto.apigateway.models import APIGatewayBackend
from moto.apigateway.responses import APIGatewayResponse
from moto.apigateway.urls import url_paths as gateway_paths
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths as lambda_paths
from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.moto_api._internal.models import moto_api_backend
from moto.rds.responses import RDSResponse
from moto.server import ThreadedMotoServer
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_output_transformer import (
    transformer_json,
)

from infra.preconditions import certificates_of, fingerprints
from tests.support.cloudformation import in_account, resources

ACCOUNT = "123456789012"
REGION = "eu-west-1"


@dataclass(frozen=True, slots=True)
class Account:
    """A simulated account. `imported`: the documents of imported REST APIs as moto received them, in order."""

    url: str
    imported: list[dict[str, Any]]
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Handlers of Lambda functions, by name. A handler takes an event and returns the result."""
    usage: dict[str, list[list[int]]] = field(default_factory=dict)
    """Requests and what was left of the quota, for each day, by the id of an API key."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that make a process use this account and no other."""
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
        import boto3

        known = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **known)


@contextmanager
def account() -> Iterator[Account]:
    """Serve an empty account on a free port until the end of the block."""
    imported: list[dict[str, Any]] = []
    functions: dict[str, Callable[[Any], Any]] = {}
    usage: dict[str, list[list[int]]] = {}
    put_rest_api, import_rest_api = APIGatewayBackend.put_rest_api, APIGatewayBackend.import_rest_api

    def put(backend: Any, function_id: str, api_doc: dict[str, Any], **options: Any) -> Any:
        imported.append(json.loads(json.dumps(api_doc)))
        return put_rest_api(backend, function_id, _readable_by_moto(api_doc), **options)

    def create(backend: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        api_doc["info"].setdefault("description", "")
        return import_rest_api(backend, api_doc, fail_on_warnings)

    def layer_by_arn(response: LambdaResponse) -> str:
        _, _, _, region, owner, _, name, version = response._get_param("Arn").split(":")
        layer = lambda_backends[owner][region].get_layer_version(name, version)
        return json.dumps(layer.get_layer_version())

    def get_usage(response: APIGatewayResponse) -> str:
        plan = response.path.split("/")[2]
        keys = response.backend.get_usage_plan_keys(plan)
        return json.dumps({"usagePlanId": plan, "values": {each.id: usage.get(each.id, []) for each in keys}})

    def account_settings(_response: LambdaResponse) -> str:
        limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        return json.dumps({"AccountLimit": limit, "AccountUsage": {}})

    def invoke(function: LambdaFunction, body: str, _headers: Any, response_headers: dict[str, str]) -> bytes:
        try:
            return json.dumps(functions[function.function_name](json.loads(body))).encode()
        except Exception as error:  # noqa: BLE001, Lambda reports every error so to the caller
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()

    with (
        patch.object(APIGatewayBackend, "put_rest_api", put),
        patch.object(APIGatewayBackend, "import_rest_api", create),
        patch.object(LambdaResponse, "get_layer_version_by_arn", layer_by_arn, create=True),
        patch.object(LambdaResponse, "get_account_settings", account_settings, create=True),
        patch.dict(lambda_paths, {r"{0}/(?P<api_version>[^/]+)/account-settings/?$": LambdaResponse.dispatch}),
        patch.object(LambdaFunction, "invoke", invoke),
        patch.object(APIGatewayResponse, "get_usage", get_usage, create=True),
        patch.dict(gateway_paths, {"{0}/usageplans/(?P<usage_plan_id>[^/]+)/usage$": APIGatewayResponse.dispatch}),
        patch.object(RDSResponse, "describe_certificates", _certificates, create=True),
        patch.object(RDSResponse, "describe_orderable_db_instance_options", _options),
    ):
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield Account(f"http://{host}:{port}", imported, functions, usage)
        finally:
            server.stop()
            moto_api_backend.reset()  # deletes everything, because moto's backends outlive the server


def _readable_by_moto(document: dict[str, Any]) -> dict[str, Any]:
    """Return the API as OpenAPI 3, with a `uri` and a method in each integration, as moto requires."""
    document = {name: value for name, value in document.items() if name != "swagger"} | {"openapi": "3.0.0"}
    for method in chain.from_iterable(methods.values() for methods in document["paths"].values()):
        integration = method["x-amazon-apigateway-integration"]
        integration |= {"uri": "", "httpMethod": ""} | integration
    return document


def _certificates(_response: RDSResponse) -> ActionResult:
    """Return the response of DescribeCertificates.

    The certificates come from the project's own file for the region, so tests cannot show that this file is right.
    """
    known = sorted(fingerprints(certificates_of(REGION).read_text(encoding="ascii")))
    found = [{"CertificateIdentifier": f"ca-{each[:6]}", "CertificateType": "CA", "Thumbprint": each} for each in known]
    return ActionResult({"Certificates": found})


def _options(_response: RDSResponse) -> ActionResult:
    """Return the zones with every version of Aurora; moto knows earlier versions alone."""
    zones = [{"Name": f"{REGION}{letter}"} for letter in "abc"]
    return ActionResult({"OrderableDBInstanceOptions": [{"Engine": "aurora-postgresql", "AvailabilityZones": zones}]})


STAGE = "dev"
CONCURRENCY = "2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/faunalens-{STAGE}-backfill"
BUCKET = f"faunalens-{STAGE}-photos-{REGION}-{ACCOUNT}"
FUNCTION = f"faunalens-{STAGE}-batch"


def definition() -> dict[str, Any]:
    """Return the definition of the backfill's state machine, as CloudFormation gives it to Step Functions."""
    found = resources("backfill.yaml", {"Stage": STAGE, "BackfillConcurrency": CONCURRENCY})
    text = in_account(found["Backfill"]["Properties"]["DefinitionString"], ACCOUNT, REGION, {})
    known: dict[str, Any] = json.loads(text)
    return known


def for_moto() -> dict[str, Any]:
    """Return the same definition without the features that moto lacks, and without pauses before retries."""
    machine = definition()
    photos = machine["States"]["Photos"]
    batcher = photos.pop("ItemBatcher")
    photos["ItemReader"]["ReaderConfig"] = {"InputType": "JSON"}
    photos["ItemSelector"] = {"BatchInput": batcher["BatchInput"], "Items.$": "$$.Map.Item.Value.Items"}
    photos["ToleratedFailurePercentage"] = float(photos["ToleratedFailurePercentage"])
    photos["ResultWriter"].pop("WriterConfig")
    photos["ResultWriter"]["Parameters"]["Prefix.$"] = "$$.Execution.Input.batches"
    for retry in photos["ItemProcessor"]["States"]["Batch"]["Retry"]:
        retry |= {"IntervalSeconds": 1, "MaxDelaySeconds": 2}
    return machine


@contextmanager
def state_machine(account: Account, size: int) -> Iterator[None]:
    """Create the bucket, the batch function and the state machine of a stage. The test supplies the function.

    `size`: items of a batch.
    """

    def batches(_transformer: Any, env: Any) -> None:
        _settings, text = env.stack.pop(), env.stack.pop()
        lines = map(json.loads, text.splitlines())
        env.stack.append([{"Items": [*some]} for some in batched(lines, size, strict=False)])

    with (
        patch.dict(default_user_config["stepfunctions"], {"execute_state_machine": True}),  # no reset of moto undoes it
        patch.dict(os.environ, {"MOTO_PORT": account.url.rpartition(":")[2]}),
        patch.object(transformer_json.ResourceOutputTransformerJson, "_eval_body", batches),
    ):
        where = {"LocationConstraint": REGION}
        account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        account.client("iam").create_role(RoleName=f"faunalens-{STAGE}-backfill", AssumeRolePolicyDocument="{}")
        functions = account.client("lambda")
        functions.create_function(
            FunctionName=FUNCTION, Runtime="python3.13", Role=ROLE, Handler="app.batch", Code={"ZipFile": b"code"}
        )
        functions.publish_version(FunctionName=FUNCTION)
        functions.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="1")
        account.client("stepfunctions").create_state_machine(
            name=f"faunalens-{STAGE}-backfill", definition=json.dumps(for_moto(), allow_nan=False), roleArn=ROLE
        )
        yield
