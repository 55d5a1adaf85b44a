# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The one nginx that answers HTTP for the gateways of all hosts, see responder.conf."""
import pathlib
import signal
import subprocess

from apart import needs
from host import HERE, Host
from usage import cpu_of


class Responder:
    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.process: subprocess.Popen | None = None

    def start(self, hosts: list[Host]) -> None:
        """The hosts are up: only then is their /proc known."""
        for host in hosts:
            links = self.directory / "by-address" / host.address
            links.mkdir(parents=True)
            (links / "home").symlink_to(host.directory)
            (links / "proc").symlink_to(f"/proc/{host.first}/root/proc")
        text = (HERE / "responder.conf").read_text()
        conf = self.directory / "responder.conf"
        conf.write_text(text.replace("@DIRECTORY@", str(self.directory)).replace("@HERE@", str(HERE)))
        nginx = needs("nginx", "nginx-light libnginx-mod-http-lua lua-cjson")
        self.process = subprocess.Popen([nginx, "-c", str(conf), "-e", str(self.directory / "responder.log")],
                                        stdin=subprocess.DEVNULL)

    def cpu(self) -> float:
        """Its worker's; the master does nothing."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sum(cpu_of(int(child))[0] for child in children.split())

    def end(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
