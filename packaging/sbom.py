#!/usr/bin/python3
# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the software bill of materials of a program, in SPDX 2.3 JSON, from what is really in it:

    packaging/sbom.py PROGRAM LINKER-MAP VERSION -o PROGRAM.spdx.json

What was linked stands in the linker's map; which headers gave it code, in its debug information. Each of these files is
looked up in the package that brought it, with that package's version. One that no package owns is listed by itself, with
its digest. Licences are not asserted: Debian's copyright files are written for people. /usr/share/doc/PACKAGE/copyright
says what they are. The same program and packages give the same document, at the same SOURCE_DATE_EPOCH."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

NONE = "NOASSERTION"
PREFIX = "SPDXRef-"


def run(*words) -> str:
    # Not checked: dpkg-query exits with 1 where it does not know one file of many.
    try:
        return subprocess.run([str(word) for word in words], text=True, errors="replace",
                              capture_output=True, check=False).stdout
    except FileNotFoundError:  # no dpkg here
        return ""


def linked(program: pathlib.Path, link_map: pathlib.Path) -> tuple[set[str], set[str]]:
    """The files that were linked in, and the shared libraries that it will load."""
    text = link_map.read_text(errors="replace")
    members, _, rest = text.partition("Linker script and memory map")
    # An archive gave something only where one of its members was taken.
    files = set(re.findall(r"^(/\S+\.a)\(\S+\)$", members, re.MULTILINE))
    loaded = set(re.findall(r"^LOAD (/\S+)$", rest, re.MULTILINE))
    files |= {file for file in loaded if file.endswith(".o")}
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-Wd", program)))
    shared = {file for file in loaded if re.search(r"\.so(\.|$)", file)
              and needed & set(re.findall(r"\(SONAME\).*\[(.+)\]", run("readelf", "-Wd", file)))}
    return files, shared


def headers(program: pathlib.Path) -> set[str]:
    """The installed headers with code in the program, as its line tables name them."""
    files, directories = set(), []
    for line in run("readelf", "-W", "--debug-dump=rawline", program).splitlines():
        if "Directory Table" in line:
            directories = []
        entry = re.match(r"  \d+\t(?:\(udata\)\t(\d+)\t)?\(line_strp\)\t\(offset: 0x[0-9a-f]+\): (.+)$", line)
        if not entry:
            continue
        number, name = entry.groups()
        if number is None:
            directories.append(name)
        elif int(number) < len(directories) and directories[int(number)].startswith("/usr/"):
            files.add(f"{directories[int(number)]}/{name}")
    return files


def owners(files: set[str]) -> dict[str, str | None]:
    """For each file the package that brought it; None where no package did."""
    places = {}
    for file in sorted(files):
        path = os.path.realpath(file)
        # A package of before the merge of /lib and /usr/lib still calls its files what it did.
        for name in (path, path.removeprefix("/usr")):
            places[name] = file
    found = dict.fromkeys(files)
    for line in run("dpkg-query", "-S", *places).splitlines() if places else ():
        package, _, path = line.rpartition(": ")
        if path in places:
            found[places[path]] = package.split(",")[0]
    return found


def described(package: str) -> dict:
    fields = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Homepage}"
    name, version, machine, source, source_version, homepage = run(
        "dpkg-query", "-W", f"-f={fields}", package).split("\t")
    locator = version.replace("+", "%2B").replace(":", "%3A")
    return {"name": name, "versionInfo": version, "homepage": homepage or NONE,
            "supplier": "Organization: Debian",
            "sourceInfo": f"built from the Debian source package {source} {source_version}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator":
                              f"pkg:deb/debian/{name}@{locator}?arch={machine}"}]}


def alone(file: str) -> dict:
    return {"name": file, "versionInfo": NONE, "supplier": NONE, "checksums": [digest(file)],
            "sourceInfo": f"{file}, which no installed package owns"}


def digest(file) -> dict:
    content = pathlib.Path(file).read_bytes()
    return {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}


def stripped_digest(program: pathlib.Path) -> dict:
    with tempfile.TemporaryDirectory(prefix="kongfleet-sbom-") as scratch:
        stripped = pathlib.Path(scratch) / program.name
        subprocess.run(["strip", "-o", stripped, program], check=True)
        return digest(stripped)


def element(facts: dict) -> dict:
    identifier = PREFIX + re.sub(r"[^A-Za-z0-9.-]", "-", facts["name"])
    return {"SPDXID": identifier, "downloadLocation": NONE, "filesAnalyzed": False,
            "licenseConcluded": NONE, "licenseDeclared": NONE, "copyrightText": NONE, **facts}


def bill(program: pathlib.Path, link_map: pathlib.Path, version: str) -> dict:
    files, shared = linked(program, link_map)
    own = element({"name": program.name, "versionInfo": version, "supplier": NONE,
                   "licenseDeclared": "Apache-2.0", "licenseConcluded": "Apache-2.0",
                   "comment": "The digest is that of the file in the packages, which is stripped.",
                   "checksums": [stripped_digest(program)], "primaryPackagePurpose": "APPLICATION"})
    packages, relations = {}, {("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])}
    # What was built here lies in no system directory, and is this program itself.
    for kind, some in (("STATIC_LINK", {file for file in files if file.startswith("/usr/")
                                        or file.startswith("/lib")}),
                       ("DYNAMIC_LINK", shared), ("CONTAINS", headers(program))):
        for file, package in owners(some).items():
            key = package or file
            if key not in packages:
                packages[key] = element(described(package) if package else alone(file))
            relations.add((own["SPDXID"], kind, packages[key]["SPDXID"]))
    identity = own["checksums"][0]["checksumValue"]
    moment = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH") or program.stat().st_mtime), datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{program.name}-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{program.name}-{version}-{identity}",
        "creationInfo": {"created": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: kongfleet-packaging-sbom.py"]},
        "packages": [own, *(packages[key] for key in sorted(packages))],
        "relationships": [{"spdxElementId": one, "relationshipType": kind,
                           "relatedSpdxElement": other} for one, kind, other in sorted(relations)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    for name, kind in (("program", pathlib.Path), ("map", pathlib.Path), ("version", str)):
        parser.add_argument(name, type=kind)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    given = parser.parse_args()
    document = bill(given.program, given.map, given.version)
    given.output.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
