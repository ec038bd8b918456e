from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.wiring import refers_to, substitute_refs, text_of, value_of

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="${}!"), max_size=8)
REFERENCES = st.one_of(
    NAMES.map(lambda name: {"Ref": name}),
    st.tuples(NAMES, NAMES).map(lambda pair: {"Fn::GetAtt": list(pair)}),
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
    assert text_of(value) == text


@pytest.mark.parametrize("value", [{"Fn::If": ["A", "b", "c"]}, {"Fn::Sub": ["${a}", {"a": "b"}]}, None, ["a"]])
def test_a_value_without_such_a_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written as text"):
        text_of(value)


@given(REFERENCES)
def test_a_reference_comes_back_as_it_was(value: Any) -> None:
    assert value_of(text_of(value)) == value


@given(PLAIN)
def test_a_text_without_references_stays_one(text: str) -> None:
    assert value_of(text) == text


@given(PLAIN.filter(bool), REFERENCES, PLAIN)
def test_a_text_with_a_reference_is_substituted(before: str, value: Any, after: str) -> None:
    text = before + text_of(value) + after
    assert value_of(text) == {"Fn::Sub": text}


def test_what_cloudformation_is_to_leave_alone_stays_so() -> None:
    assert value_of("${!aws:PrincipalAccount}") == "${!aws:PrincipalAccount}"


def test_a_parameter_becomes_what_it_stood_for_wherever_it_is() -> None:
    # GIVEN a resource that names a parameter alone, in a text, and beside others whose names begin as it does
    resource = {"Id": {"Ref": "Api"}, "Arns": [{"Fn::Sub": "a/${Api}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    # THEN that one is put in, and nothing else
    expected = {"Id": {"Ref": "R"}, "Arns": [{"Fn::Sub": "a/${R}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    assert substitute_refs(resource, {"Api": "R"}) == expected
    assert refers_to(resource, "Api")
    assert not refers_to(expected, "Api")
