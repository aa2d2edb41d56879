"""The api on a real port, by its own server, alone or behind a proxy."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.server import Server, make_server
from sandbox.ports import free_port
from services.bootstrap import Services, open_services
from tests.fakes.gateway import FakeGateway


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    server: Server
    port: int
    client: httpx2.AsyncClient
    task: asyncio.Task[None]

    async def raw(self, sent: bytes) -> bytes:
        """What comes back on a connection of its own until it is closed."""
        return await exchange(self.port, sent)


async def exchange(port: int, sent: bytes) -> bytes:
    """What comes back on a connection of its own until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(sent)
        while part := await reader.read(65536):
            received += part
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


@asynccontextmanager
async def serving(
    services: Services, extend: Callable[[FastAPI], None] = lambda _: None, **settings: object
) -> AsyncIterator[Served]:
    """The api over these services, with other settings; `extend` adds to the application."""
    port = free_port()
    changed = services.settings.model_copy(update={"api_port": port, **settings})
    # A listener of its own, because stopping the server stops it.
    with open_services(changed, database=services.database, gateway=FakeGateway()) as own:
        app = create_app(own)
        extend(app)
        server = make_server(app, changed)
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Served(server, port, client, task)
            server.should_exit = True
        await task


_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend public
  bind 127.0.0.1:{port}
  http-request del-header x-forwarded-for
  default_backend api
backend api
  http-reuse always
  server api 127.0.0.1:{upstream}
"""
_NGINX = """
{user}
daemon off;
master_process off;
error_log stderr crit;
pid {directory}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""
#: The proxies: their configurations, and the arguments before the path of one.
PROXIES = {"haproxy": (_HAPROXY, ("-db", "-q", "-f")), "nginx": (_NGINX, ("-e", "stderr", "-c"))}
# Debian has them there, which only root has in its PATH.
_PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"


@contextmanager
def proxy(name: str, upstream: int, directory: Path) -> Iterator[int]:
    """A proxy of PROXIES in front of a port; yields its own port. Skips the test when it is not installed."""
    configuration, arguments = PROXIES[name]
    executable = shutil.which(name, path=_PATH)
    if executable is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {name})")
    port, path = free_port(), directory / f"{name}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    path.write_text(configuration.format(port=port, upstream=upstream, directory=directory, user=user))
    process = subprocess.Popen([executable, *arguments, str(path)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def listening(port: int) -> None:
    """Wait until something accepts connections there."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
