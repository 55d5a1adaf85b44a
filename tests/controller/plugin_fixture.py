# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""A plugin in a directory of a test's own, and the real program to pack and export it."""
import pathlib
import subprocess
import tempfile
import unittest

from lone_fleet import BUILD

HANDLER = 'return { VERSION = "1.2.0", PRIORITY = 10, access = function() end }\n'
SCHEMA = 'return { name = "my-plugin", fields = { { config = { type = "record", fields = {} } } } }\n'
HOME = "kong/plugins/my-plugin"
FILES = {f"{HOME}/handler.lua": HANDLER.encode(), f"{HOME}/schema.lua": SCHEMA.encode()}

MORE = FILES | {
    f"{HOME}/migrations/init.lua": b"return {}\n",
    f"{HOME}/a/b/deep.lua": b"\n  return 1",
    "mylib/init.lua": b"return { [[\n\n  x\t]] }\n\n",
    "mylib/data.json": b"{}",
    "mylib/umlaut.lua": "return 'ü'\r\n".encode(),
    "mylib/empty.lua": b"",
    "top.lua": b"return 2\n",
}
OTHER = {name.replace("my-plugin", "other"): content.replace(b"my-plugin", b"other") for name, content in FILES.items()}


class PluginTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="kongfleet-plugin-")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def write(self, files: dict[str, bytes], below: str = "tree") -> None:
        for name, content in files.items():
            path = self.directory / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def kongfleet(self, code: int, *arguments: str) -> str:
        """What it says, on stderr if that is a mistake."""
        done = subprocess.run([BUILD / "kongfleet", *arguments], cwd=self.directory, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.warnings = done.stderr
        return done.stderr if code else done.stdout

    def export(self, kind: str, files: dict[str, bytes], code: int = 0) -> str:
        self.write(files)
        return self.kongfleet(code, "export", kind, "tree", "-o", "out")

    def below(self, directory: str) -> dict[str, bytes]:
        """Every plain file there, by its path."""
        root = self.directory / directory
        return {str(path.relative_to(root)): path.read_bytes()
                for path in sorted(root.rglob("*")) if path.is_file()}
