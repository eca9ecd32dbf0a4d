"""The operations added to botocore's model are those AWS published."""

from __future__ import annotations

import json
from typing import Any

import pytest
import types_boto3_iot_data.type_defs as published
from botocore.model import ServiceModel
from botocore.session import get_session

from gateway.iot.session import MODELS, aws_session

NEW = ("GetConnection", "ListSubscriptions", "SendDirectMessage")
EXTRAS = json.loads((MODELS / "iot-data/2015-05-28/service-2.sdk-extras.json").read_text())


def members(name: str) -> set[str]:
    """Return the members that AWS's own later model has for a shape."""
    return set(getattr(published, f"{name}TypeDef").__annotations__) - {"ResponseMetadata"}


def load(session: Any) -> Any:
    """Return the iot-data model as a session loads it."""
    return session.get_component("data_loader").load_service_model("iot-data", "service-2")


@pytest.mark.parametrize("operation", NEW)
def test_adds_the_operation(operation: str) -> None:
    """Input and output have exactly the members of the published shapes, and shapes for all."""
    added = ServiceModel(load(aws_session())).operation_model(operation)
    assert added.input_shape is not None
    assert added.output_shape is not None
    assert set(added.input_shape.members) == members(f"{operation}Request")
    assert set(added.output_shape.members) == members(f"{operation}Response")
    assert {shape.name for shape in added.error_shapes} >= {"ResourceNotFoundException"}


def test_touches_nothing_else() -> None:
    """What botocore has is not overridden: the overlay only adds."""
    stock = load(get_session())
    assert not EXTRAS["merge"]["operations"].keys() & stock["operations"].keys()
    assert not EXTRAS["merge"]["shapes"].keys() & stock["shapes"].keys()
