# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The results as a picture for the README: how long each tool takes, as a multiple of logging in. No
library is needed."""
from html import escape

from results import FLOOR, Results

PHASES = (("first", "first deploy"), ("update", "update of 3 of 40 files"), ("unchanged", "nothing to change"))
COLOURS = {"kongfleet": "#0b7285", "other": "#adb5bd"}
WIDTH, LEFT, RIGHT, BAR, GAP, GROUP = 760, 150, 70, 16, 5, 34


def bar(y: int, label: str, ratio: float, longest: float) -> str:
    length = max(2.0, ratio / longest * (WIDTH - LEFT - RIGHT))
    colour = COLOURS.get(label, COLOURS["other"])
    return (f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}">{ratio:.1f}×</text>')


def chart(results: Results) -> str:
    """Bars by phase, all to one scale; a line marks the floor."""
    shown = [(phase, title, [(tool, results.ratio(tool, phase, FLOOR, "login"))
                             for tool in results.tools() if results.of(tool, phase)])
             for phase, title in PHASES]
    longest = max(ratio for _, _, bars in shown for _, ratio in bars)
    parts, y = [], 34
    for _, title, bars in shown:
        parts.append(f'<text x="12" y="{y + 12}" font-weight="bold">{escape(title)}</text>')
        y += BAR + GAP
        for tool, ratio in bars:
            parts.append(bar(y, tool, ratio, longest))
            y += BAR + GAP
        y += GROUP - BAR - GAP
    floor = LEFT + (WIDTH - LEFT - RIGHT) / longest
    parts.append(f'<line x1="{floor:.1f}" x2="{floor:.1f}" y1="30" y2="{y - 10}" '
                 'stroke="#c92a2a" stroke-dasharray="3 3"/>')
    title = (f"{results.hosts} hosts: time taken, as a multiple of `ssh HOST true` on all of them "
             "(the dashed line)")
    return ('<!-- SPDX-FileCopyrightText: The kongfleet authors -->\n'
            '<!-- SPDX-License-Identifier: Apache-2.0 -->\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
            'font-family="sans-serif" font-size="12" fill="#343a40">\n'
            f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>\n'
            f'<text x="12" y="20" font-size="13">{escape(title)}</text>\n' + "\n".join(parts) + "\n</svg>\n")
