"""A call to AWS as a line of output."""

import io
from pathlib import Path

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


def test_the_size_of_an_open_file_counts(tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_bytes(b"x" * 42)
    with (tmp_path / "one.zip").open("rb") as file:
        assert recorded_call("s3", "PutObject", {"Bucket": "b", "Body": file}).uploaded == 42
    assert recorded_call("s3", "PutObject", {"Bucket": "b", "Body": io.BytesIO(b"abc")}).uploaded == 3


def test_a_call_is_named_after_what_it_acts_on_without_the_account() -> None:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:one"
    assert recorded_call("lambda", "AddPermission", {"Action": "lambda:Invoke", "FunctionName": arn}).name == "one"
    assert recorded_call("events", "PutTargets", {"Rule": "often", "Targets": []}).name == "often"
    assert recorded_call("sts", "GetCallerIdentity", {}).name == ""


def test_templates_and_policies_are_documents_and_descriptions_are_not() -> None:
    texts = {"RoleName": "one", "Description": "why " * 50, "PolicyDocument": "{}", "TemplateBody": "line\n" * 300}
    call = recorded_call("iam", "CreateRole", texts)
    assert call.documents == ["{}", "line\n" * 300]
    assert call.name == "one"


def test_only_reads_change_nothing() -> None:
    operations = ("GetRole", "ListStacks", "DescribeRule", "HeadBucket", "Invoke", "UpdateStage", "DeleteRole")
    assert [recorded_call("x", each, {}).changes for each in operations] == [False] * 4 + [True] * 3
