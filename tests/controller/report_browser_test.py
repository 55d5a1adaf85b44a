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

# Every element that has text of its own, with WCAG's contrast of that text against what is behind
# it: [what, contrast]. In the chart that is the worse of what its bands are filled with.
TEXTS = """(() => {
  const parts = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const paper = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const bands = [...document.querySelectorAll("rect.band")].map(band => getComputedStyle(band).fill);
  const found = [];
  for (const element of document.querySelectorAll("body, body *:not(style)")) {
    if (element.tagName === "title") continue;
    const own = [...element.childNodes].some(
      node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own) continue;
    const style = getComputedStyle(element), drawn = element.namespaceURI.endsWith("svg");
    const behind = drawn ? [paper(element), ...bands] : [paper(element)];
    const ink = drawn ? style.fill : style.color;
    found.push([`${element.tagName}.${element.getAttribute("class")}: ${element.textContent.trim()}`,
                Math.min(...behind.map(colour => contrast(ink, colour)))]);
  }
  return found;
})()"""

BOXES = """[...document.querySelectorAll('%s')].map(element => {
  const box = element.getBoundingClientRect();
  return {left: box.left, right: box.right, top: box.top, bottom: box.bottom,
          text: element.textContent};
})"""


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

    def test_what_is_written_can_be_read_on_what_is_behind_it(self):
        for size in (DESK, PHONE):
            for scheme in ("light", "dark"):
                with self.subTest(size=size, scheme=scheme):
                    self.look(size, scheme)
                    texts = self.run_script(TEXTS)
                    kinds = {what.split(":")[0] for what, _ in texts}
                    self.assertLessEqual({"H1.null", "H2.null", "TD.good", "TD.bad", "B.idle",
                                          "P.faint", "PRE.null", "text.null"}, kinds)
                    self.assertGreater(len(texts), 5 * HOSTS)
                    # What WCAG asks for, at the level AA.
                    self.assertEqual([text for text in texts if text[1] < 4.5], [])

    def test_the_chart_shows_waves_and_when_each_host_had_its_turn(self):
        for size in (DESK, PHONE):
            with self.subTest(size=size):
                self.look(size, "light")
                bands, bars, marks, texts = (self.run_script(BOXES % what) for what in (
                    "rect.band", "svg rect.good, svg rect.bad", "line.grid", "svg text"))
                self.assertEqual([text["text"] for text in texts[:2]], ["wave 1", "wave 2"])
                self.assertEqual((len(bands), len(bars)), (2, HOSTS))
                for number, bar in enumerate(bars):
                    band = bands[0 if number == 0 else 1]
                    self.assertGreaterEqual(bar["top"], band["top"])
                    self.assertLessEqual(bar["bottom"], band["bottom"])
                    self.assertIn(f"edge-{number + 1}:" if number + 1 < HOSTS else "label",
                                  bar["text"])
                # Each began as much later than the one before, and they took as long.
                steps = [after["left"] - before["left"] for before, after in zip(bars, bars[1:])]
                self.assertGreater(min(steps), 0.5)
                self.assertLess(max(steps) - min(steps), 0.2)
                widths = [bar["right"] - bar["left"] for bar in bars]
                self.assertLess(max(widths) - min(widths), 0.2)
                self.assertGreater(min(widths), 100)
                # The axis: a mark for every time, and each time below its mark.
                times = texts[2:]
                self.assertEqual([time["text"] for time in times],
                                 ["0s", "15s", "30s", "45s", "1m", "1m15s", "1m30s", "1m45s", "2m"])
                self.assertEqual(len(marks), len(times))
                for mark, time in zip(marks, times):
                    middle = (time["left"] + time["right"]) / 2
                    self.assertAlmostEqual(mark["left"], middle, delta=1)
                    self.assertGreaterEqual(time["top"], bars[-1]["bottom"])
                self.assertLess(marks[0]["left"], bars[0]["left"])

    def test_what_failed_is_shown_with_its_evidence_and_every_host_with_its_times(self):
        self.look(DESK, "light")
        self.run_script("document.querySelectorAll('details').forEach(one => one.open = true)")
        shown = self.run_script("document.querySelector('.failure').innerText")
        for field in ("cause", "log", "name-of-probe", "detail-of-probe", "finding", "advice",
                      "name-of-step", "detail-of-step", "failed", "410 ms"):
            self.assertIn(field, shown)
        took = self.run_script("[...document.querySelectorAll('td.number')]"
                               ".filter(cell => cell.innerText === '1:01').length")
        self.assertEqual(took, HOSTS)

    def test_nothing_runs_and_nothing_is_fetched(self):
        self.look(DESK, "light")
        self.assertEqual(self.run_script("document.querySelectorAll('script, img').length"), 0)
        self.assertEqual(
            self.run_script("performance.getEntriesByType('resource').length"), 0)
        self.assertEqual(self.browser.get_log("browser"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
