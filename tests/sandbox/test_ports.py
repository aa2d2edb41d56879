"""Unused ports, and the report of a port in use."""

import os
import socket

import pytest

from sandbox.errors import CannotStart
from sandbox.ports import accepts, free_port, free_ports, is_free, require_free


def test_free_ports_are_distinct_and_unused() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(is_free(port) for port in ports)


def test_port_in_use_is_reported_with_its_process_and_setting() -> None:
    lower = open(os.devnull)  # noqa: SIM115 - closed, so that the list of open files has its number, before the listener
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lower.close()
        port = listener.getsockname()[1]
        assert accepts(port)
        assert not is_free(port)
        with pytest.raises(CannotStart) as refused:
            require_free(port, "API_PORT")
    sentence = str(refused.value)
    assert sentence.startswith(f"Port {port} is in use by pid {os.getpid()} (")
    assert sentence.endswith("stop it, or choose another port with API_PORT.")


def test_connections_in_time_wait_do_not_occupy_a_port() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as listener:
        caller = socket.create_connection(("127.0.0.1", port))
        answering, _ = listener.accept()
        answering.close()  # the side that closes first keeps the port in TIME_WAIT
        caller.close()
    require_free(port, "API_PORT")
    assert not accepts(port)
