"""Policy documents are read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import InvalidPolicy
from wire.iam import parse_document

GOOD = {"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"}


def test_single_values_and_lists_are_the_same() -> None:
    """One statement, action or resource may stand without its list."""
    bare = parse_document({"Version": "2012-10-17", "Statement": GOOD})
    listed = parse_document(
        {
            "Version": "2012-10-17",
            "Statement": [{**GOOD, "Action": ["iot:Publish"], "Resource": ["*"]}],
        }
    )
    assert bare == listed
    assert bare.statements[0].name == "Statement[0]"


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Maybe"},
        {"Action": []},
        {"Action": "Publish"},
        {"Action": [1, {}]},
        {"Resource": "topic/a"},
        {"Resource": None},
        {"NotAction": "iot:Publish"},
        {"NotPrincipal": "*"},
        {"Condition": []},
        {"Condition": {"StringEquals": "x"}},
        {"Condition": {"Strange": {"a": "b"}}},
        {"Principal": {"Unknown": "x"}},
        {"Extra": 1},
    ],
)
def test_broken_statements_are_refused(broken: dict[str, object]) -> None:
    """Each break of the grammar is refused with its place."""
    with pytest.raises(InvalidPolicy) as caught:
        parse_document({"Version": "2012-10-17", "Statement": [{**GOOD, **broken}]})
    assert caught.value.where.startswith("Statement[0]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"Statement":[]}',
        '{"Version":"1","Statement":{}}',
        "[" * 100_000,
    ],
)
def test_broken_documents_are_refused(text: str) -> None:
    """What is no policy document is refused, however deep."""
    with pytest.raises(InvalidPolicy):
        parse_document(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Version",
                        "Statement",
                        "Effect",
                        "Action",
                        "Resource",
                        "Principal",
                        "Condition",
                        "x",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_document_or_refused(value: object) -> None:
    """Random JSON raises nothing but InvalidPolicy."""
    if isinstance(value, dict):
        try:
            parse_document(value)
        except InvalidPolicy:
            return
