#!/usr/bin/env python3
"""Lets botocore encode one minimal request per operation and writes them as JSON lines, without
any network: each is caught before it is sent.

  encode_requests.py [--named] [--service NAME]... > requests.jsonl

With --named every text says which member it stands in, and members that look as if they identified
something are given too, so that one can tell where a resource's name was taken from.
"""

import argparse
import base64
import json
import os
import re
import sys

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

STRIPPED = ("user-agent", "authorization", "amz-sdk-", "x-amz-date", "x-amz-security-token",
            "content-length", "x-amzn-trace-id", "accept-encoding",
            "connection", "content-md5", "expect", "x-amz-user-agent")


IDENTIFIES = re.compile(r"(?i)(identifiers?|ids?|names?|arns?|arnlist|url)$")
NO_IDENTITY = re.compile(r"(?i)(token|marker|alternate|contains|prefix)")


def named_value(shape, name):
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    if word.endswith(("arn", "arns", "arnlist")):
        return f"arn:aws:zz:us-east-1:123456789012:zz-{word}"
    if word.endswith("url"):
        return f"https://zz.us-east-1.example/123456789012/zz-{word}"
    if name == "AliasName":  # of a key: aliases are named with their prefix
        return f"alias/zz-{word}"
    return f"zz-{word}"


def named_of(shape):
    """As value_of, with members that look like names of something."""
    given = value_of(shape, named=True)
    for name, member in shape.members.items():
        item = member.member if member.type_name == "list" else member
        if name in given or item.type_name != "string" or getattr(item, "enum", None):
            continue
        if IDENTIFIES.search(name) and not NO_IDENTITY.search(name):
            given[name] = value_of(member, 1, name, named=True)
    return given


def value_of(shape, depth=0, name="", named=False):
    kind = shape.type_name
    if kind == "structure":
        wanted = shape.required_members or ()
        if getattr(shape, "is_tagged_union", False):
            wanted = list(shape.members)[:1]
        return {m: value_of(shape.members[m], depth + 1, m, named)
                for m in wanted} if depth < 8 else {}
    if kind == "list":
        count = max(1, shape.metadata.get("min", 1))
        return [value_of(shape.member, depth + 1, name, named)] * count if depth < 8 else []
    if kind == "map":
        return {value_of(shape.key, named=named, name=name + "Key"):
                value_of(shape.value, depth + 1, name, named)}
    if kind in ("integer", "long"):
        return max(1, shape.metadata.get("min", 1))
    if kind in ("float", "double"):
        return 1.5
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return 1700000000
    if kind == "blob":
        return b"blob"
    if getattr(shape, "enum", None):
        return shape.enum[0]
    if named:
        return named_value(shape, name)
    text = "name-1"
    return text + "a" * max(0, shape.metadata.get("min", 0) - len(text))


def catcher(service, session):
    """A client, and the list into which its requests fall instead of being sent."""
    client = session.create_client(
        service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret",
        config=Config(inject_host_prefix=False, parameter_validation=False,
                      retries={"max_attempts": 0}, disable_request_compression=True))
    caught = []

    def catch(request, **_):
        caught.append(request)
        return AWSResponse(request.url, 400, {}, None)

    client.meta.events.register_first("before-send", catch)
    return client, caught


def encode(service, session, named=False):
    client, caught = catcher(service, session)
    model = client.meta.service_model
    for method, operation in sorted(client.meta.method_to_api_mapping.items()):
        caught.clear()
        shape = model.operation_model(operation).input_shape
        try:
            made = (named_of(shape) if named else value_of(shape)) if shape else {}
            getattr(client, method)(**made)
        except Exception:  # the made-up answer is none
            pass
        if not caught:
            print(f"not encoded: {service}.{operation}", file=sys.stderr)
            continue
        yield record(service, operation, model.signing_name, caught[0])


def record(service, operation, signing_name, request):
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = {}
    for name, value in request.headers.items():
        if not name.lower().startswith(STRIPPED):
            headers[name] = value.decode() if isinstance(value, bytes) else value
    given = request.headers.get("Authorization") or ""
    given = given.decode() if isinstance(given, bytes) else given
    scope = signing_name
    if "Credential=" in given and given.startswith("AWS4-HMAC"):
        scope = given.split("Credential=")[1].split("/")[3]
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/{scope}/aws4_request, "
        "SignedHeaders=host, Signature=00")
    return {"method": request.method, "url": request.url, "headers": headers,
            "body_base64": base64.b64encode(bytes(body)).decode(),
            "expect": {"service": service, "operation": operation}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", action="append")
    parser.add_argument("--named", action="store_true")
    options = parser.parse_args()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    session = botocore.session.Session()
    for service in options.service or session.get_available_services():
        for line in encode(service, session, options.named):
            print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
