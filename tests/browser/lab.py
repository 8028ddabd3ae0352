"""JupyterLab as a learner starts it, in a headless browser: what test_browser.py and shoot.py share.

`make lab` runs in a copy of the checkout, so opening and running a notebook never touches the stored ones.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "lessons"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
SETTINGS = {  # as Jupyter's settings: no pop-up; every cell in the page, also outside the window
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
# resolves when the notebook in front is open and its kernel has answered; `limit` seconds, then an error
READY = """async limit => {
  const pause = () => new Promise(resolve => setTimeout(resolve, 100));
  const until = async (what, holds) => {
    for (let i = 0; !holds(); i++) {
      if (i > 10 * limit) throw new Error(what + " is not ready after " + limit + " s");
      await pause();
    }
  };
  await until("JupyterLab", () => window.jupyterapp);
  await jupyterapp.restored;
  const widget = () => jupyterapp.shell.currentWidget;
  await until("the notebook", () => widget()?.context?.isReady && widget().content?.model);
  await until("the kernel", () => widget().sessionContext.isReady && widget().sessionContext.session?.kernel);
  await Promise.race([widget().sessionContext.session.kernel.info,
                      new Promise((_, fail) => setTimeout(() => fail(new Error("no kernel info")), 1000 * limit))]);
}"""
RUN_ALL = """limit => Promise.race([
  jupyterapp.commands.execute('notebook:run-all-cells'),
  new Promise((_, fail) => setTimeout(() => fail(new Error("still running after " + limit + " s")), 1000 * limit))])"""
OUTPUTS = """() => {
  const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells;
  return cells.flatMap(cell => cell.outputs ?? []);
}"""


def copy_checkout(folder):
    """A copy with what a lesson needs; its .venv is the Python that runs this, counted as set up."""
    for name in ("helpers", "data", "notebooks"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / "ready").touch()


@contextlib.contextmanager
def serve(folder):
    """`make lab` in a copy of the checkout inside this folder; yields the address of the server."""
    checkout, settings = folder / "checkout", folder / "jupyter" / "config" / "labconfig"
    checkout.mkdir()
    copy_checkout(checkout)
    settings.mkdir(parents=True)
    (settings / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter/config"), "JUPYTER_DATA_DIR": str(folder / "jupyter/data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "jupyter/runtime"), "IPYTHONDIR": str(folder / "jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "jupyter/settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "jupyter/workspaces"), "JUPYTER_TOKEN": TOKEN}
    log = folder / "lab.log"
    with open(log, "w", encoding="utf-8") as file:
        lab = subprocess.Popen(
            ["make", "lab", f"PORT={port}", "BROWSER=none", "LAB_OPTIONS=--LabApp.expose_app_in_browser=True"],
            cwd=checkout, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
                break
            if lab.poll() is not None:
                raise RuntimeError(f"`make lab` ended:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.2)
        else:
            raise RuntimeError(f"`make lab` does not answer:\n{log.read_text(encoding='utf-8')}")
        yield address
    finally:
        os.killpg(lab.pid, signal.SIGINT)  # JupyterLab asks once, and ends at the second
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGTERM)
        try:
            lab.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(lab.pid, signal.SIGKILL)
            lab.wait()


@contextlib.contextmanager
def browse(width=1300, height=1000):
    """A page in headless Chromium; needs one to be installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def open_notebook(page, address, name):
    """Open notebooks/<name> and wait for its kernel."""
    page.goto(f"{address}/lab/tree/notebooks/{name}?token={TOKEN}&reset", timeout=60_000)
    page.set_default_timeout(120_000)
    page.evaluate(READY, 60)


def run_all(page):
    """Run all cells; whether all passed."""
    return page.evaluate(RUN_ALL, 300)


def outputs(page):
    """The stored outputs of all cells, as nbformat has them."""
    return page.evaluate(OUTPUTS)
