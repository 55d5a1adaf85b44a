# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A line of a table that says what was asked for, what was measured, and whether that is enough."""


def line(what: str, target: str, figure: float, met: bool) -> str:
    return f"{what:<52}{target:>9}{figure:>9.2f}  {'reached' if met else 'MISSED'}"


def at_most(what: str, limit: float, figure: float) -> str:
    return line(what, f"<= {limit}", figure, figure <= limit)


def at_least(what: str, limit: float, figure: float) -> str:
    return line(what, f">= {limit}", figure, figure >= limit)
