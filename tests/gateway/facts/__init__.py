# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What a deployment tool can see of a Kong, one checkable fact at a time."""
