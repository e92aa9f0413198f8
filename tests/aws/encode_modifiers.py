#!/usr/bin/env python3
"""Two requests, encoded by botocore, for each row of data/aws/modifiers.tsv and up to three of its
operations: one in which the parameter says what the row tests for, and one in which it does not.

  encode_modifiers.py | gzip -9n > tests/aws/modifiers.jsonl.gz
"""

import json
import pathlib
import re
import sys

import botocore.session

from encode_requests import catcher, record, value_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS_MAX = 3


def rows():
    text = (ROOT / "data" / "aws" / "modifiers.tsv").read_text()
    return [line.split("\t") for line in text.splitlines()[1:] if line]


def shape_at(shape, steps):
    for step in steps:
        while shape.type_name in ("list", "map"):
            shape = shape.member if shape.type_name == "list" else shape.value
        if shape.type_name != "structure" or step not in shape.members:
            return None
        shape = shape.members[step]
    return shape


def enum_like(shape, text):
    return next((e for e in getattr(shape, "enum", []) if e.lower() == text), text)


def values_for(test, shape):
    """(one that the test holds for, one that it does not); None: leave it out."""
    kind = shape.type_name
    if test == "present":
        return (shape_value(shape), None)
    if test.startswith("<"):
        limit = int(test[1:])
        return (limit - 1, limit)
    text = test.lstrip("!=")
    other = {"true": "false", "false": "true"}.get(text)
    if kind == "boolean":
        pair = (text == "true", text != "true")
    elif other:
        pair = (text, other)
    else:
        same = enum_like(shape, text)
        rest = [e for e in getattr(shape, "enum", []) if e.lower() != text]
        pair = (same, rest[0] if rest else "other")
    return pair[::-1] if test.startswith("!=") else pair


def shape_value(shape):
    if shape.type_name == "list":
        return [shape_value(shape.member)]
    made = value_of(shape)
    if shape.type_name == "structure" and not made:
        name = next(iter(shape.members))
        return {name: value_of(shape.members[name], 1, name)}
    return made


def put(into, shape, steps, value):
    """Sets one member, making what is above it."""
    step, rest = steps[0], steps[1:]
    member = shape.members.get(step) if shape.type_name == "structure" else None
    if shape.type_name == "map":
        into.clear()
        into[step] = value
        return
    if not rest:
        into[step] = value
        return
    if member.type_name == "list":
        item = value_of(member.member)
        put(item, member.member, rest, value)
        into[step] = [item]
    else:
        inner = into.get(step) or value_of(member)
        put(inner, member, rest, value)
        into[step] = inner


def drop(given, shape, steps):
    step = steps[0]
    if len(steps) == 1 and shape.type_name == "structure":
        if step not in (shape.required_members or ()):
            given.pop(step, None)
        return
    member = shape.members[step] if shape.type_name == "structure" else None
    inner = given.get(step)
    if isinstance(inner, list):
        for item in inner:
            drop(item, member.member, steps[1:])
    elif isinstance(inner, dict) and member is not None and member.type_name == "structure":
        drop(inner, member, steps[1:])
    elif isinstance(inner, dict):
        inner.pop(steps[1], None)


def requests(session, row):
    services, operations, member, test, effect, direction, reversible, attribute, _ = row
    names = session.get_available_services() if services == "*" else services.split(",")
    made = 0
    for service in names:
        model = session.get_service_model(service)
        for operation in model.operation_names:
            if made == OPERATIONS_MAX:
                return
            if not any(re.fullmatch(o.replace("*", ".*"), operation)
                       for o in operations.split(",")):
                continue
            shape = model.operation_model(operation).input_shape
            steps = [s.rstrip("[]") for s in member.split(".")]
            map_key = shape and len(steps) == 2 and steps[0] in shape.members and \
                shape.members[steps[0]].type_name == "map"
            at = shape and (shape.members[steps[0]].value if map_key
                            else shape_at(shape, steps))
            if at is None or (test[0] in "=!" and at.type_name == "structure"):
                continue
            made += 1
            for holds, value in zip((True, False), values_for(test, at)):
                if value is None and steps[0] in (shape.required_members or ()) \
                        and len(steps) == 1:
                    continue  # it is always given
                given = value_of(shape)
                drop(given, shape, steps)
                if value is not None:
                    if map_key:
                        given[steps[0]] = {steps[1]: value}
                    else:
                        put(given, shape, steps, value)
                yield service, operation, given, {
                    "holds": holds, "member": member, "test": test, "effect": effect,
                    "direction": direction, "reversible": reversible, "attribute": attribute}


def main():
    session = botocore.session.Session()
    clients = {}
    for row in rows():
        for service, operation, given, expect in requests(session, row):
            if service not in clients:
                clients[service] = catcher(service, session)
            client, caught = clients[service]
            caught.clear()
            method = next(m for m, o in client.meta.method_to_api_mapping.items()
                          if o == operation)
            try:
                getattr(client, method)(**given)
            except Exception as error:  # the made-up answer is none
                if not caught:
                    print(f"not encoded: {service}.{operation}: {error}", file=sys.stderr)
            if not caught:
                continue
            line = record(service, operation, client.meta.service_model.signing_name, caught[0])
            line["expect"].update(expect)
            print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
