"""One stack and one browser for all browser tests; a fresh page for each.

Without a Chromium these tests fail where `CI=true`; elsewhere they are left out, and the summary
says so by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ARGUMENTS, NAMES, find_chromium
from tests.browser.demo_page import DemoPage, opened_page
from tests.browser.local_stack import ROOT, LocalStack, ProgramStack, program_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
_left_out = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no browser, except in CI."""
    if find_chromium() or os.environ.get("CI") == "true":
        return
    ours = [item for item in items if HERE in item.path.parents]
    config.stash[_left_out] = [item.nodeid for item in ours]
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was left out."""
    for nodeid in terminalreporter.config.stash.get(_left_out, []):
        terminalreporter.write_line(f"NOT RUN, no {' or '.join(NAMES)}: {nodeid}", yellow=True)


@pytest.fixture(scope="package")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """The whole product on this machine, as programs that can be restarted one by one."""
    assert (ROOT / "web/dist/index.html").is_file(), "web/dist is not built: run `make web`"
    with program_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="package")
def stack(programs: ProgramStack) -> LocalStack:
    """Where the product is."""
    return programs.stack


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium."""
    path = find_chromium()
    assert path, f"none of {', '.join(NAMES)} is on the PATH"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def demo(stack: LocalStack, browser: Browser) -> Iterator[DemoPage]:
    """The demo page, just opened."""
    with opened_page(stack, browser) as page:
        yield page
