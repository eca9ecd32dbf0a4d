"""Functions by name, and who may invoke them."""

import pytest

from localaws.errors import Misuse
from localaws.function_registry import FunctionRegistry

ARN = "arn:aws:lambda:us-east-1:123456789012:"
RULE = "arn:aws:iot:us-east-1:123456789012:rule/r"
IOT = "iot.amazonaws.com"


def registry() -> FunctionRegistry:
    """Return a registry with one function."""
    made = FunctionRegistry(ARN)
    made.register("f", lambda: lambda event, _context: event)
    return made


async def test_functions_are_found_by_name_and_arn() -> None:
    """With or without a version or alias, and of this account and region only."""
    functions = registry()
    found = functions.function("f")
    assert found is not None
    assert await found.invoke({"a": 1}) == {"a": 1}
    for name in (f"{ARN}function:f", f"{ARN}function:f:live", f"{ARN}function:f:$LATEST"):
        assert functions.function(name) is found
    for name in ("g", f"{ARN}function:g", "arn:aws:lambda:eu-west-1:123456789012:function:f"):
        assert functions.function(name) is None
    await functions.close(1)
    assert functions.function("f") is None


def test_a_name_is_used_once() -> None:
    """Two functions cannot share one."""
    with pytest.raises(Misuse, match="a function f already"):
        registry().register("f", lambda: lambda _event, _context: None)


def test_nobody_may_invoke_without_permission() -> None:
    """AddPermission names the service, and the rule if wanted."""
    functions = registry()
    assert not functions.may_invoke("f", principal=IOT, source_arn=RULE)
    functions.permit("f", principal=IOT, source_arn="arn:aws:iot:*:*:rule/other*")
    assert not functions.may_invoke("f", principal=IOT, source_arn=RULE)
    functions.permit(f"{ARN}function:f", principal=IOT, source_arn=RULE)
    assert functions.may_invoke(f"{ARN}function:f", principal=IOT, source_arn=RULE)
    assert not functions.may_invoke("f", principal="sns.amazonaws.com", source_arn=RULE)
    functions.permit("f", principal="sns.amazonaws.com")
    assert functions.may_invoke("f", principal="sns.amazonaws.com", source_arn="anything")
    assert not functions.may_invoke("g", principal=IOT, source_arn=RULE)


def test_permission_needs_a_function() -> None:
    """As in AWS."""
    with pytest.raises(Misuse, match="no function g"):
        registry().permit("g", principal=IOT)
