"""A call to AWS as a line of output."""

from infra.recorded_call import parsed_call, recorded_call


def test_a_call_survives_its_line_among_other_output() -> None:
    # GIVEN a call with texts, numbers, lists and a file
    parameters = {"FunctionName": "one", "Timeout": 29, "Tags": {"stage": "dev"}, "Code": {"ZipFile": b"PK" * 500}}
    call = recorded_call("lambda", "CreateFunction", parameters)
    # WHEN it is printed by a program whose output another program indents THEN that program's reader gets it back
    assert parsed_call(f"      {call.line()}\n") == call
    assert parsed_call("      Creating lambda function: one\n") is None
    # AND of the file only the size is left
    assert call.uploaded == 1000
    assert "PKPK" not in call.line()


def test_only_reads_change_nothing() -> None:
    operations = ("GetRole", "ListStacks", "DescribeRule", "HeadBucket", "Invoke", "UpdateStage", "DeleteRole")
    assert [recorded_call("x", each, {}).changes for each in operations] == [False] * 4 + [True] * 3
