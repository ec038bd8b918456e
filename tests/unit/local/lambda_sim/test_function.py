import pytest

from local.lambda_sim.function import read_functions, seconds_between_runs

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
    functions = read_functions(TEMPLATE, "faunalens", "dev")
    # THEN the API's function has the name of the application, and references to the stack are left out
    api = functions["app.app"]
    assert (api.name, api.memory, api.timeout, api.concurrency) == ("faunalens-dev", 1769, 29, 10)
    assert (api.environment, api.schedule) == ({"STAGE": "dev"}, "")
    # AND the others have their handler's name appended
    warm = functions["app.warm"]
    assert (warm.name, warm.concurrency, warm.schedule) == ("faunalens-dev-warm", 1, "rate(5 minutes)")
    assert warm.arn == "arn:aws:lambda:us-east-1:123456789012:function:faunalens-dev-warm"


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200), ("rate(1 day)", 86400)],
)
def test_a_rate_has_an_interval(schedule: str, seconds: float) -> None:
    assert seconds_between_runs(schedule) == seconds


@pytest.mark.parametrize("schedule", ["cron(0 12 * * ? *)", "rate(5 fortnights)", "5 minutes", ""])
def test_another_schedule_is_refused_by_name(schedule: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        seconds_between_runs(schedule)
