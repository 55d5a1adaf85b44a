#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""All of rollout_test.py with a gateway of Kong 3.4: other reload states, plugin versions, readiness, leftovers of a power cut."""
import unittest

import rollout_test


class Kong34Test(rollout_test.RolloutTest):
    version = "3.4.2"


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Kong34Test)


if __name__ == "__main__":
    unittest.main(verbosity=2)
