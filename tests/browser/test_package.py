"""The client as an application gets it: packed, installed into an empty project, used.

Projects are empty but for the packed client; Vite, React and ws stand beside it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.npm import NAME, PACKAGE, empty_project, node_program, packed, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.local_stack import LocalStack

REACT_MAIN = """
import React, { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Events } from './react.jsx'

const getToken = async () => {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ user: 'react' })
  const answer = await fetch('/demo/token', { method: 'POST', headers, body })
  return (await answer.json()).token
}
const options = { credentialsUrl: '/credentials', getToken }
document.body.replaceChildren()
createRoot(document.body).render(<StrictMode><Events options={options} /></StrictMode>)
"""

TYPED_USE = """
import { PushClient, PushError, Throttled, type PushEvent } from 'serverless-websockets-client'

const client = new PushClient({ credentialsUrl: '/c', getToken: () => 'jwt', mqttVersion: '5' })
const undo: () => void = client.on('event', (event: PushEvent) => console.log(event.data))
client.on('error', (error: PushError) => {
  if (error instanceof Throttled) console.log(error.retryAfterMs.toFixed())
})
client.on('state', ({ state }) => console.log(state === 'connected'))
for await (const event of client) console.log(event.time?.toISOString())
undo()
// @ts-expect-error there is no such event
client.on('evnt', () => {})
// @ts-expect-error there is no such option
new PushClient({ credentialsUrl: '/c', getToken: () => 'jwt', retries: 3 })
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed client."""
    return packed(tmp_path_factory.mktemp("packed"))


def test_the_node_example_receives_and_resumes_in_an_empty_project(
    stack: LocalStack, archive: Path, tmp_path: Path
) -> None:
    """The example runs as it stands; ended and started again, it gets what it missed."""
    project = empty_project(tmp_path / "node", archive, "ws")
    example = project / "node_modules" / NAME / "examples" / "node.mjs"
    (project / "receive.mjs").write_text(example.read_text())

    with _Receiver(stack, project) as receiver:
        stack.post({"to": "user:node", "type": "order.shipped", "data": {"n": 1}})
        assert receiver.line() == 'order.shipped {"n":1}'
        receiver.crash()
    stack.post({"to": "user:node", "type": "order.shipped", "data": {"n": 2}})
    with _Receiver(stack, project) as receiver:
        assert receiver.line() == 'order.shipped {"n":2}'
        assert receiver.end() == 0


def test_the_plain_example_works_on_a_page_of_an_application(
    stack: LocalStack, browser: Browser, archive: Path, tmp_path: Path
) -> None:
    """One file beside a page is all it takes; markup in an event stays text."""
    package = empty_project(tmp_path / "plain", archive) / "node_modules" / NAME
    example = (package / "examples" / "plain.html").read_text()
    files = {
        "/": ("text/html", example.replace("https://api.example.com/", "/").encode()),
        "/push-client.js": ("text/javascript", (package / "dist" / "index.js").read_bytes()),
    }
    with _application(stack, files) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#state")).to_have_text("connected (subscribed)", timeout=10_000)
        stack.post({"to": "user:plain", "type": "note", "data": "<b>bold</b>"})
        expect(page.locator("#events li")).to_have_text(['note: "<b>bold</b>"'])
        context.close()


def test_the_react_example_works_in_an_empty_vite_project(
    stack: LocalStack, browser: Browser, archive: Path, tmp_path: Path
) -> None:
    """Vite builds it without a word of configuration, and it shows what arrives, once."""
    project = empty_project(tmp_path / "vite", archive, "vite", "react", "react-dom")
    example = project / "node_modules" / NAME / "examples" / "react.jsx"
    (project / "react.jsx").write_text(example.read_text())
    (project / "main.jsx").write_text(REACT_MAIN)
    (project / "index.html").write_text('<script type="module" src="main.jsx"></script>')
    run([node_program(), "node_modules/vite/bin/vite.js", "build"], project)
    [built] = (project / "dist" / "assets").glob("*.js")

    context = browser.new_context()
    # On the demo's document, for its origin and its policy.
    context.route(
        "**/main.js",
        lambda route: route.fulfill(body=built.read_text(), content_type="text/javascript"),
    )
    page = context.new_page()
    page.goto(stack.page_url)
    expect(page.locator("ul[title=connected]")).to_be_attached(timeout=10_000)
    stack.post({"to": "user:react", "type": "order.shipped", "data": {}})
    expect(page.locator("li")).to_have_text(["order.shipped"])
    context.close()


def test_the_types_are_there_and_strict(archive: Path, tmp_path: Path) -> None:
    """A program of an application compiles, and its mistakes do not."""
    project = empty_project(tmp_path / "types", archive)
    (project / "use.ts").write_text(TYPED_USE)
    options = [
        "--strict",
        "--noEmit",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--skipLibCheck",
    ]
    compiler = PACKAGE.parent / "node_modules" / "typescript" / "bin" / "tsc"
    (project / "package.json").write_text('{"type": "module"}')
    run([node_program(), str(compiler), *options, "false", "use.ts"], project)


def test_the_package_holds_the_bundle_that_the_demo_uses_and_depends_on_nothing() -> None:
    """One bundle for all, no dependency, no file that should have stayed at home."""
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert "dependencies" not in manifest
    ours, demo = PACKAGE / "dist" / "index.js", PACKAGE.parent / "dist" / "push-client.js"
    strip = re.compile(r"//# sourceMappingURL=.*")
    assert strip.sub("", ours.read_text()) == strip.sub("", demo.read_text())
    for example in ("plain.html", "react.jsx", "node.mjs"):
        assert len((PACKAGE / "examples" / example).read_text().splitlines()) <= 21


def _asked(url: str, body: bytes, **fields: str) -> bytes:
    fields["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=body, headers=fields)  # noqa: S310 (our own address)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (the same)
        return bytes(answer.read())


def _token(stack: LocalStack, user: str) -> bytes:
    return _asked(f"{stack.page_url}demo/token", json.dumps({"user": user}).encode())


@contextmanager
def _application(stack: LocalStack, files: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """Serve an application's files, tokens for its user, and the credential API under its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*files.get(self.path, ("text/plain", b"")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/my-login/token":
                return self._answer("application/json", _token(stack, "plain"))
            token = self.headers["Authorization"]
            answer = _asked(f"{stack.page_url}credentials", body, Authorization=token)
            return self._answer("application/json", answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, content_type: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever)
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Receiver:
    """The Node example, running."""

    def __init__(self, stack: LocalStack, project: Path) -> None:
        token = json.loads(_token(stack, "node"))["token"]
        self._process = subprocess.Popen(
            [node_program(), "receive.mjs"],
            cwd=project,
            env=os.environ | {"CREDENTIALS_URL": f"{stack.page_url}credentials", "TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Receiver:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith("connected"):
                return self
        raise AssertionError("the example ended before it was connected")

    def __exit__(self, *_: object) -> None:
        self.crash()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def line(self) -> str:
        """Return its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def crash(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait(10)

    def end(self) -> int:
        """Tell it to end; return its exit code."""
        self._process.terminate()
        return self._process.wait(10)
