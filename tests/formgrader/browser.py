"""A real headless Chromium, and the pages that formgrader and nbgrader's feedback make of a notebook."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.server_extensions.formgrader import handlers
from selenium import webdriver
from traitlets.config import Config

TEMPLATES = ("formgrade", "feedback")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing outside this machine is asked for
)


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    options.page_load_strategy = "eager"
    service = webdriver.ChromeService(
        "/usr/bin/chromedriver" if os.path.exists("/usr/bin/chromedriver") else None
    )
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()


def requests(driver: webdriver.Chrome) -> set[str]:
    """Every address asked for since the last call, without those of the browser's own pages."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    return {one["request"]["url"] for one in asked if not one["request"]["url"].startswith("chrome")}


def render(notebook: NotebookNode, template: str) -> str:
    """The page that nbgrader makes: `template` is ``formgrade`` or ``feedback``."""
    config = Config()
    config.HTMLExporter.template_name = template
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    bootstrap = Path(handlers.static_path) / "node_modules" / "bootstrap" / "dist" / "css"
    config.HTMLExporter.extra_template_paths = [str(bootstrap)]
    notebook = json.loads(json.dumps(notebook), object_hook=NotebookNode)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(score=0.0, comment=None)
            cell.metadata.nbgrader.setdefault("points", 0.0)
    nbgrader = {"notebook": "n", "score": 0.0, "max_score": 1.0, "late_penalty": 0.0}
    resources: dict[str, Any] = {
        "nbgrader": nbgrader,
        "assignment_id": "n",
        "notebook_id": "n",
        "submission_id": "s",
        "index": 0,
        "total": 1,
        "base_url": "",
        "student": "ada",
        "last_name": "L",
        "first_name": "A",
        "notebook_path": "n",
    }
    page, _ = HTMLExporter(config=config).from_notebook_node(notebook, resources=resources)
    return page
