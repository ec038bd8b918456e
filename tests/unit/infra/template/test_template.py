import pytest

from infra.template import merge_unique, refers_to, substitute_refs


def test_references_to_a_name_are_renamed_everywhere() -> None:
    # GIVEN a resource with a reference alone, one in a text, and others whose names begin alike
    resource = {"Id": {"Ref": "Api"}, "Arns": [{"Fn::Sub": "a/${Api}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    # THEN only references to that name change
    expected = {"Id": {"Ref": "R"}, "Arns": [{"Fn::Sub": "a/${R}/${ApiKey}/${Stage}"}], "Other": {"Ref": "ApiKey"}}
    assert substitute_refs(resource, {"Api": "R"}) == expected
    assert refers_to(resource, "Api")
    assert not refers_to(expected, "Api")


def test_a_duplicate_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="two parts of the template define Cache; rename one"):
        merge_unique({"Cache": {}, "Photos": {}}, {"Cache": {}})
