"""pytest's door to localaws: the fixture `localaws`, for projects that have localaws installed.

Owns the fixture and its scope (`localaws_scope` in pytest's configuration: function, class, module,
package or session). Imports nothing of localaws before a test asks for the fixture, since pytest
loads every installed plugin in every run.

    def test_it(localaws):
        iot = boto3.client("iot-data", **localaws.client_settings("iot-data"))
        iot.publish(topic="a/b", payload=b"Hi!")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.background import BackgroundLocalAws

SCOPES: Final = ("function", "class", "module", "package", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tell pytest of the plugin's one setting."""
    parser.addini("localaws_scope", "how long one localaws lives", default="function")


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    del fixture_name
    scope = cast("str", config.getini("localaws_scope"))
    if scope not in SCOPES:
        raise pytest.UsageError(f"localaws_scope must be one of {', '.join(SCOPES)}")
    return scope


@pytest.fixture(scope=_scope)
def localaws() -> Iterator[BackgroundLocalAws]:
    """All of localaws on free ports, in a thread of its own, gone after the test.

    `localaws.endpoints` says where it answers, `localaws.client_settings(service)` is what
    boto3.client needs, `localaws.aws` is everything else.
    """
    from localaws.background import BackgroundLocalAws  # noqa: PLC0415 (see above)

    with BackgroundLocalAws() as running:
        yield running
