# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What people do with OpenSSH's client and a shell: log in and nothing else, which is the floor; rsync and
ssh in a loop; pssh, which is a loop made for that."""
from apart import needs
from tool import Job, Peer, Tool

LOOP = """\
host=$1
rsync -a --delete -e "ssh -F {config}" {link} {tree}/ "$host:{at}/releases/{version}/" &&
ssh -F {config} "$host" "sh {at}/activate {version}"
"""


class Login(Tool):
    phases = ("login",)

    def __init__(self, job: Job, parallel: int):
        self.parallel = parallel
        self.name = f"ssh -P{parallel}"
        super().__init__(job)

    def prepare(self) -> None:
        needs("ssh", "openssh-client")

    def check(self, tree):
        pass  # nothing was to be brought

    def command(self, phase, tree, version):
        hosts = self.job.hosts
        return ["xargs", "-a", hosts.names, "-P", self.parallel, "-I{}", "ssh",
                "-F", hosts.ssh_config, "{}", "true"]


class Rsync(Peer):
    name = "rsync + ssh"

    def prepare(self) -> None:
        super().prepare()
        needs("rsync", "rsync")

    def ready(self, tree, version):
        release = version.rsplit(".", 1)[0]
        link = "" if version.endswith(".0") else f"--copy-dest=../{release}.0"
        (self.directory / "loop").write_text(LOOP.format(
            config=self.job.hosts.ssh_config, tree=tree, at=self.at, version=version, link=link))

    def command(self, phase, tree, version):
        return ["xargs", "-a", self.job.hosts.names, "-P", self.job.parallel, "-n1", "sh",
                self.directory / "loop"]


class RsyncCompressed(Peer):
    """Copies the files and does nothing else: no activation, and an update changes them where they are."""
    name = "rsync -z"

    def prepare(self) -> None:
        super().prepare()
        needs("rsync", "rsync")

    def ready(self, tree, version):
        self.release = version.rsplit(".", 1)[0]

    def tree_on(self, host):
        return host.directory / self.directory.name / "releases" / self.release

    def command(self, phase, tree, version):
        hosts = self.job.hosts
        return ["xargs", "-a", hosts.names, "-P", self.job.parallel, "-I{}", "rsync", "-az", "--delete",
                "-e", f"ssh -F {hosts.ssh_config}", f"{tree}/", f"{{}}:{self.at}/releases/{self.release}/"]


class Pssh(Peer):
    name = "pssh"

    def prepare(self) -> None:
        super().prepare()
        needs("parallel-rsync", "pssh")
        needs("parallel-ssh", "pssh")

    def ready(self, tree, version):
        release = version.rsplit(".", 1)[0]
        link = "" if version.endswith(".0") else f" -X --copy-dest=../{release}.0"
        options = f"-h {self.job.hosts.names} -p {self.job.parallel} -t 0"
        (self.directory / "both").write_text(
            f"parallel-rsync {options} -a -X --delete -X -essh\\ -F\\ {self.job.hosts.ssh_config}{link} "
            f"{tree}/ {self.at}/releases/{version}/ &&\n"
            f"parallel-ssh {options} -x '-F {self.job.hosts.ssh_config}' 'sh {self.at}/activate {version}'\n")

    def command(self, phase, tree, version):
        return ["sh", self.directory / "both"]
