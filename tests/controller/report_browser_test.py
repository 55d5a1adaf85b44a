#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A report in a real browser: light and dark, on a desk and on a phone; nothing sticks out, nothing
is fetched, nothing that a host said runs."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BUILD = pathlib.Path(os.environ.get("KONGFLEET_BUILD", "build")).resolve()
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 26)"
DESK, PHONE = (1280, 900), (390, 844)
HOSTS = 41


class ReportInBrowserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        page = pathlib.Path(cls.directory.name) / "report.html"
        subprocess.run([BUILD / "tests/controller_tests", "a report can be looked at"], check=True,
                       stdout=subprocess.PIPE, env=os.environ | {"KONGFLEET_SHOW_REPORT": str(page)})
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", f"--user-data-dir={cls.directory.name}/profile"):
            options.add_argument(argument)
        cls.browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        cls.addClassCleanup(cls.browser.quit)
        cls.address = page.as_uri()

    def look(self, size: tuple[int, int], scheme: str) -> None:
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.browser.get(self.address)

    def run_script(self, script: str):
        return self.browser.execute_script("return " + script)

    def test_every_size_and_scheme(self):
        for size in (DESK, PHONE):
            for scheme, paper in (("light", LIGHT), ("dark", DARK)):
                with self.subTest(size=size, scheme=scheme):
                    self.look(size, scheme)
                    self.assertEqual(
                        self.run_script("getComputedStyle(document.body).backgroundColor"), paper)
                    self.assertLessEqual(
                        self.run_script("document.documentElement.scrollWidth"), size[0])
                    self.assertGreater(len(self.browser.get_screenshot_as_png()), 10_000)

    def test_all_of_it_is_shown(self):
        self.look(DESK, "light")
        lines = self.run_script("document.querySelectorAll('svg rect.good, svg rect.bad').length")
        self.assertEqual(lines, HOSTS)
        box = self.run_script("(b => [b.width, b.height])"
                              "(document.querySelector('svg').getBoundingClientRect())")
        self.assertGreater(min(box), 300)
        self.assertIn("What failed", self.run_script("document.body.innerText"))

    def test_nothing_runs_and_nothing_is_fetched(self):
        self.look(DESK, "light")
        self.assertEqual(self.run_script("document.querySelectorAll('script, img').length"), 0)
        self.assertEqual(
            self.run_script("performance.getEntriesByType('resource').length"), 0)
        self.assertEqual(self.browser.get_log("browser"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
