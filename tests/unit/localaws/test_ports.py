"""Taken ports and how they are named."""

import socket

import pytest

from localaws.ports import PlannedPort, PortTaken, check_free


def planned(port: int, setting: str = "LOCALAWS_IOT_PORT") -> PlannedPort:
    """Plan a port of loopback."""
    return PlannedPort(purpose="the IoT endpoint", setting=setting, host="127.0.0.1", port=port)


def test_taken_port_is_named_with_its_setting() -> None:
    """The text says which port, what for, and what to set."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            check_free([planned(0), planned(port), planned(port, "GATEWAY_PORT")])
    assert str(caught.value).splitlines() == [
        f"port {port} on 127.0.0.1 (the IoT endpoint) is taken: "
        f"end what listens there, or set {setting} to another port"
        for setting in ("LOCALAWS_IOT_PORT", "GATEWAY_PORT")
    ]


def test_free_ports_pass() -> None:
    """Nothing is raised, and nothing stays bound."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check_free([planned(port), planned(port)])


def test_address_of_another_machine_is_an_error_of_its_own() -> None:
    """Only a taken port is called taken."""
    with pytest.raises(OSError, match="assign"):
        check_free([PlannedPort(purpose="x", setting="X", host="192.0.2.1", port=1)])
