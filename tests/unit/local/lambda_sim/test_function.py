import pytest

from local.lambda_sim.function import functions_of, rate_of

TEMPLATE = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "APIHandler": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "app.app",
                "MemorySize": 1769,
                "Timeout": 29,
                "Environment": {"Variables": {"STAGE": "dev", "DATABASE_URL": {"Fn::Sub": "${Database}"}}},
            },
        },
        "Warm": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Handler": "app.warm",
                "MemorySize": 512,
                "Timeout": 60,
                "ReservedConcurrentExecutions": 1,
                "Events": {"WarmEvent": {"Type": "Schedule", "Properties": {"Schedule": "rate(5 minutes)"}}},
            },
        },
    }
}


def test_functions_are_read_from_the_template() -> None:
    functions = functions_of(TEMPLATE, "faunalens", "dev")
    # THEN the one behind the API has the name of the application, and what refers to the stack is left out
    api = functions["app.app"]
    assert (api.name, api.memory, api.timeout, api.concurrency) == ("faunalens-dev", 1769, 29, 10)
    assert (api.environment, api.schedule) == ({"STAGE": "dev"}, "")
    # AND the others have their own beside it
    warm = functions["app.warm"]
    assert (warm.name, warm.concurrency, warm.schedule) == ("faunalens-dev-warm", 1, "rate(5 minutes)")
    assert warm.arn == "arn:aws:lambda:us-east-1:123456789012:function:faunalens-dev-warm"


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200), ("rate(1 day)", 86400)],
)
def test_a_rate_is_so_many_seconds(schedule: str, seconds: float) -> None:
    assert rate_of(schedule) == seconds


@pytest.mark.parametrize("schedule", ["cron(0 12 * * ? *)", "rate(5 fortnights)", "5 minutes", ""])
def test_another_schedule_is_refused_by_name(schedule: str) -> None:
    with pytest.raises(ValueError, match="no rate such as"):
        rate_of(schedule)
