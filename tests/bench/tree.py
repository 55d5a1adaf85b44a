# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin that is deployed: 40 Lua files, 200 KB together, of which an update changes three. Or a large
one: 2,000 files, 20 MB."""
import os
import pathlib
import random
import zlib
from dataclasses import dataclass

PLUGIN = "my-plugin"
CHANGED = 3


@dataclass(frozen=True)
class Shape:
    files: int
    file_bytes: int


SMALL = Shape(40, 5_000)
SHAPES = {"small": SMALL, "large": Shape(2_000, 10_000)}


def shape_named(text: str) -> Shape:
    """"small", "large", or so many files of so many bytes: "300x2000"."""
    if text in SHAPES:
        return SHAPES[text]
    files, size = (int(number) for number in text.split("x"))
    if files <= CHANGED or not 0 < size <= 20_000:  # a Lua function has at most 200 locals
        raise ValueError(text)
    return Shape(files, size)

HANDLER = """\
local MyPlugin = {{ PRIORITY = 1000, VERSION = "{version}" }}

function MyPlugin:header_filter(conf)
  kong.response.set_header("X-MyPlugin", MyPlugin.VERSION)
end

return MyPlugin
"""
SCHEMA = """\
return {{
  name = "my-plugin",  -- of {seed}
  fields = {{ {{ config = {{ type = "record", fields = {{}} }} }} }},
}}
"""
NOON = 1_750_000_000  # files have times that differ just when they do: rsync goes by that
LINE = "local value_{name} = {{ key = \"{key:x}\", limit = {limit}, enabled = {enabled} }}  -- what it is for\n"


def module(seed: str, size: int) -> str:
    """Lua that nobody has seen before, and that compresses about as well as what people write."""
    chance = random.Random(seed)
    text = "-- A module of the plugin.\n"
    while len(text) < size:
        text += LINE.format(name=len(text), key=chance.getrandbits(64),
                            limit=chance.randrange(1000), enabled=chance.choice(["true", "false"]))
    return text + "return {}\n"


def write_tree(tree: pathlib.Path, shape: Shape, version: str, first: str, update: str) -> pathlib.Path:
    """`first` decides what is in the files, and of three of them (the handler, two modules) `update`
    as well."""
    directory = tree / "kong/plugins" / PLUGIN
    directory.mkdir(parents=True)
    texts = {"handler.lua": HANDLER.format(version=version)}
    for number in range(shape.files - 2):
        seed = f"{first} {number} {update if number < CHANGED - 1 else ''}"
        texts[f"module_{number:02d}.lua"] = module(seed, shape.file_bytes)
    texts["schema.lua"] = SCHEMA.format(seed=first)
    for number, (name, text) in enumerate(texts.items()):
        time = NOON + zlib.crc32((update if number < CHANGED else first).encode()) % 1_000_000
        (directory / name).write_text(text)
        os.utime(directory / name, (time, time))
    return tree


class Versions:
    """What is deployed in each round: a first version whose files no host has, and its update."""

    def __init__(self, directory: pathlib.Path, shape: Shape = SMALL):
        self.directory = directory
        self.shape = shape

    def tree(self, version: str) -> pathlib.Path:
        """`version` is "1.ROUND.0" for the first, "1.ROUND.1" for the update."""
        tree = self.directory / version
        if not tree.exists():
            write_tree(tree, self.shape, version, version.rsplit(".", 1)[0], version)
        return tree
