#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""rollout_test.py with a gateway of Kong 3.4: other reload states, plugin versions, readiness, leftovers of a power cut.

Those of its tests in which the gateway does something of its own; all of them with KONGFLEET_DEEP=1.
"""
import os
import unittest

import rollout_test

OF_THE_GATEWAY = (
    "test_a_release_reaches_every_host_and_is_proven",
    "test_a_release_that_answers_500_is_taken_back_on_the_canary_alone",
    "test_a_rollback_to_what_fails_its_probe_goes_through_and_says_so",
    "test_a_syntax_error_is_refused_before_the_node_is_touched",
    "test_an_agent_killed_in_a_trial_comes_back_to_what_was_confirmed",
    "test_drift_is_seen_and_mended",
    "test_power_lost_in_a_trial_boots_on_what_was_confirmed",
    "test_rollback_goes_to_the_generation_before",
)


class Kong34Test(rollout_test.RolloutTest):
    version = "3.4.2"


def load_tests(loader, _tests, _pattern):
    if os.environ.get("KONGFLEET_DEEP") == "1":
        return loader.loadTestsFromTestCase(Kong34Test)
    return unittest.TestSuite(map(Kong34Test, OF_THE_GATEWAY))


if __name__ == "__main__":
    unittest.main(verbosity=2)
