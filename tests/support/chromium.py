"""A browser: Debian's Chromium without a window, driven from here, in a folder that ends with it."""

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.support.canary.watch import WATCH
from tests.support.chromium_binary import BROWSER, DRIVER

SCHEMES: Final = ("light", "dark")
PHONE_PX: Final = 320
DESK_PX: Final = 1280
_ARGUMENTS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


_Node: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at pages, by screen or by keyboard, and sees what the browser asks of whom."""

    driver: Chrome

    def show(self, url: str, *, scheme: str = "light", width_px: int = DESK_PX) -> None:
        """Open the page so wide, in light or dark colours."""
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.tell("Emulation.setDeviceMetricsOverride", width=width_px, height=900, deviceScaleFactor=1, mobile=False)
        self.driver.get(url)
        WATCH.show("a page in a browser", self.driver.page_source)

    def show_text(self, html: str, *, scheme: str = "light", width_px: int = DESK_PX) -> None:
        """Open a page that nobody serves."""
        text = b64encode(html.encode("utf-8")).decode("ascii")
        self.show(f"data:text/html;charset=utf-8;base64,{text}", scheme=scheme, width_px=width_px)

    def tell(self, method: str, **parameters: Any) -> Any:  # noqa: ANN401 (whatever the browser answers)
        """Call the browser's own protocol."""
        return self.driver.execute_cdp_cmd(method, parameters)

    def ask(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 (whatever the script gives)
        """Run a script in the page, which no policy of the page forbids."""
        return self.driver.execute_script(script, *arguments)

    def press_tab(self) -> None:
        """Go on to what the keyboard reaches next."""
        ActionChains(self.driver, duration=0).send_keys(Keys.TAB).perform()

    def read_aloud(self) -> str:
        """Give what a screen reader is told, in its order; the browser needs no script for it."""
        nodes = {node["nodeId"]: node for node in self.tell("Accessibility.getFullAXTree")["nodes"]}
        (root,) = (node for node in nodes.values() if "parentId" not in node)
        return " ".join(" ".join(_texts(root, nodes)).split())

    def forget(self) -> None:
        """Have nothing of before in what the next two give."""
        self.complaints()
        self.hosts_asked()

    def complaints(self) -> list[str]:
        """Give what the browser has written to its console since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def hosts_asked(self) -> set[str]:
        """Name the hosts that the browser has asked for anything since it was asked last; itself is none."""
        log = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = (json.loads(entry["message"])["message"] for entry in log)
        urls = (one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent")
        return {urlsplit(url).netloc for url in urls if not url.startswith(("data:", "chrome:"))}


def _texts(node: _Node, nodes: Mapping[str, _Node]) -> Iterator[str]:
    if node["role"]["value"] == "StaticText":
        yield node["name"]["value"]
        return  # what is below it are its lines
    for child in node.get("childIds", ()):
        if child in nodes:
            yield from _texts(nodes[child], nodes)


@contextmanager
def running_browser(folder: Path) -> Iterator[Viewer]:
    """Start one whose files are in this folder; it has ended with all its processes when the context ends."""
    options = ChromeOptions()
    options.binary_location = BROWSER or ""
    for argument in (*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    driver = Chrome(options=options, service=Service(executable_path=DRIVER, env=environment))
    try:
        yield Viewer(driver)
    finally:
        driver.quit()
        shutil.rmtree(folder, ignore_errors=True)
