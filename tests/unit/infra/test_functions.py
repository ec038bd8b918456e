"""Functions get their configuration from a stack's outputs, and limits for asynchronous calls."""

from chalicelib.config.settings import Settings
from infra.functions import ASYNC_LIMITS, FUNCTIONS, function_config

OUTPUTS = {
    "SubnetIds": "subnet-1,subnet-2",
    "FunctionSecurityGroup": "sg-1",
    "DatabaseEndpoint": "faunalens-dev.cluster-abc.eu-west-1.rds.example",
    "DatabasePort": "5432",
    "DatabaseName": "faunalens",
    "DatabaseAdmin": "devfauna",
    "DatabaseUser": "dev_faunalens_app",
    "CacheEndpoint": "faunalens-dev-abc.serverless.euw1.cache.example",
    "CachePort": "6379",
    "CacheName": "faunalens-dev",
    "CacheUser": "faunalens-dev",
    "PhotoBucket": "faunalens-dev-photos-123456789012",
    "AlarmTopic": "arn:aws:sns:eu-west-1:123456789012:faunalens-dev-alarms",
}


def test_outputs_become_settings_that_the_app_reads() -> None:
    # GIVEN the outputs of a stack WHEN the app reads the environment made from them
    found = function_config(OUTPUTS, "eu-west-1", {})
    settings = Settings.from_environment(found.environment)
    # THEN it signs in to both stores by IAM, over verified TLS, without a password
    assert (
        settings.database.url
        == "postgresql://dev_faunalens_app@faunalens-dev.cluster-abc.eu-west-1.rds.example:5432/faunalens"
    )
    assert settings.database.iam
    assert str(settings.database.ca) == "/var/task/chalicelib/rds/eu-west-1.pem"
    assert settings.redis.url == "rediss://faunalens-dev@faunalens-dev-abc.serverless.euw1.cache.example:6379"
    assert settings.redis.iam_cache == "faunalens-dev"
    assert settings.s3.bucket == OUTPUTS["PhotoBucket"]
    # AND it runs in the private subnets
    assert (found.subnet_ids, found.security_group_ids) == (["subnet-1", "subnet-2"], ["sg-1"])


def test_the_administrative_function_signs_in_as_the_owner_of_the_tables() -> None:
    found = function_config(OUTPUTS, "eu-west-1", {})
    settings = Settings.from_environment({**found.environment, **found.admin_environment})
    assert settings.database.url.startswith("postgresql://devfauna@")


def test_calls_that_lambda_queues_are_not_repeated() -> None:
    assert ASYNC_LIMITS.keys() == {*FUNCTIONS} - {"api_handler"}, "the API's calls are not queued"
    for each in ASYNC_LIMITS.values():
        assert each["MaximumRetryAttempts"] == 0
        assert 60 <= each["MaximumEventAgeInSeconds"] <= 300  # AWS takes no less than 60
