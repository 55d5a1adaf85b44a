# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""kongfleet's JSON, read as a program reads it that was written by the schema: whatever is not
exactly as controller/kongfleet-1.schema.json says is an AssertionError that names it.

    rollout = document(result.out)        # one document
    events = documents(result.out)        # one a line
"""
import json
import pathlib

import jsonschema

SCHEMA_FILE = pathlib.Path(__file__).resolve().parents[1] / "controller/kongfleet-1.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KINDS = [kind["$ref"].rsplit("/", 1)[1] for kind in SCHEMA["oneOf"]]


def kind_of(value: dict) -> str:
    """Which of the schema's kinds a document says it is."""
    if value.get("ok") is False and "error" in value:
        return "mistake"
    return str(value.get("command") or value.get("event") or value.get("hook"))


def checked(value: dict) -> dict:
    """The document itself, if it is one of the schema's kinds."""
    if VALIDATOR.is_valid(value):
        return value
    kind = kind_of(value) if isinstance(value, dict) else "?"
    if kind not in KINDS:
        raise AssertionError(f"not a document of {SCHEMA_FILE.name}: {json.dumps(value)}")
    # The errors of all other kinds would say nothing.
    mistakes = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}).iter_errors(value)
    said = "; ".join(f"{error.json_path}: {error.message}" for error in mistakes)
    raise AssertionError(f"{SCHEMA_FILE.name}, '{kind}': {said}\n{json.dumps(value)}")


def document(text: str) -> dict:
    return checked(json.loads(text))


def documents(text: str) -> list[dict]:
    return [document(line) for line in text.splitlines()]
