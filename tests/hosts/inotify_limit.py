# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The systemd of a booted host takes five inotify instances and its logind one, of the 128 that
Linux lets root have (inotify(7), /proc/sys/fs/inotify/max_user_instances): twenty hosts are all there
can be, and the next one ends while it boots. While hosts are up the limit is higher; the last who
takes its hosts away puts it back."""
import fcntl
import pathlib
from typing import IO

from template import locked

LIMIT = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
LOCK = pathlib.Path("/run/lock/kongfleet-inotify")
USERS = pathlib.Path("/run/lock/kongfleet-inotify-users")  # locked by each; holds what it was before
ENOUGH = 2048


def raise_limit() -> IO[str]:
    """Until what it returns is closed and lower_limit() called."""
    with locked(LOCK):
        users = open(USERS, "a+", encoding="ascii")
        fcntl.flock(users, fcntl.LOCK_SH)
        now = int(LIMIT.read_text())
        if now < ENOUGH:
            users.truncate(0)
            users.write(str(now))
            users.flush()
            LIMIT.write_text(str(ENOUGH))
        return users


def lower_limit() -> None:
    """Puts it back where it was, unless somebody still needs it."""
    with locked(LOCK), open(USERS, "a+", encoding="ascii") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        users.seek(0)
        before = users.read()
        if before:
            LIMIT.write_text(before)
        USERS.unlink()
