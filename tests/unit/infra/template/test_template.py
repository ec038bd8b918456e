from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.template import from_text, refers_to, substitute_refs, to_text

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
REFERENCES = st.one_of(
    NAMES.map(lambda name: {"Ref": name}), st.tuples(NAMES, NAMES).map(lambda pair: {"Fn::GetAtt": list(pair)})
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("faunalens", "faunalens"),
        (5432, "5432"),
        ({"Ref": "Cache"}, "${Cache}"),
        ({"Ref": "AWS::Region"}, "${AWS::Region}"),
        ({"Fn::GetAtt": ["Database", "Endpoint.Port"]}, "${Database.Endpoint.Port}"),
        ({"Fn::Sub": "${Stage}_app"}, "${Stage}_app"),
        ({"Fn::Join": [",", [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]]}, "${SubnetA},${SubnetB}"),
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize("value", [{"Fn::If": ["A", "b", "c"]}, {"Fn::Sub": ["${a}", {"a": "b"}]}, None, ["a"]])
def test_a_value_without_such_a_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be converted"):
        to_text(value)


@given(REFERENCES)
def test_a_reference_survives_the_round_trip(value: Any) -> None:
    assert from_text(to_text(value)) == value


def test_an_escaped_reference_stays_text() -> None:
    assert from_text("${!aws:PrincipalAccount}") == "${!aws:PrincipalAccount}"


def test_references_to_a_name_are_renamed_everywhere() -> None:
    # GIVEN a resource with a reference alone, one in a text, and others whose names begin alike
    resource = {"Id": {"Ref": "Api"}, "Arns": [{"Fn::Sub": "a/${Api}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    # THEN only references to that name change
    expected = {"Id": {"Ref": "R"}, "Arns": [{"Fn::Sub": "a/${R}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    assert substitute_refs(resource, {"Api": "R"}) == expected
    assert refers_to(resource, "Api")
    assert not refers_to(expected, "Api")
