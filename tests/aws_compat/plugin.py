"""A pytest plug-in: sends what moto's tests ask of AWS through the gate, and writes each test's outcome down.

The tests make their clients for $TEST_SERVER_MODE_ENDPOINT, which stays moto itself, so that resets go there directly.
With $COMPAT_GATE each client gets the gate's endpoint and a session's keys instead.
"""

import json
import os

import botocore
import botocore.session
from botocore.config import Config

OUTCOMES = os.environ["COMPAT_OUTCOMES"]
MOTO = os.environ["TEST_SERVER_MODE_ENDPOINT"]
GATE = os.environ.get("COMPAT_GATE")

outcomes = {}


def is_unsigned(config):
    return config is not None and config.signature_version is botocore.UNSIGNED


def signing_with_v4(config):
    """boto3 still presigns S3's URLs with SigV2 unless told otherwise, which the gate refuses and says so."""
    if config is not None and config.signature_version is not None:
        return config
    return (config or Config()).merge(Config(signature_version="s3v4"))


def through_the_gate(create_client):
    def create(self, service_name, *arguments, **options):
        if (options.get("endpoint_url") or "").startswith(MOTO):
            options["endpoint_url"] = options["endpoint_url"].replace(MOTO, GATE, 1)
            if not is_unsigned(options.get("config")):
                options["aws_access_key_id"] = os.environ["COMPAT_KEY"]
                options["aws_secret_access_key"] = os.environ["COMPAT_SECRET"]
                options["aws_session_token"] = os.environ["COMPAT_TOKEN"]
            if service_name == "s3":
                options["config"] = signing_with_v4(options.get("config"))
        return create_client(self, service_name, *arguments, **options)

    return create


if GATE:
    botocore.session.Session.create_client = through_the_gate(botocore.session.Session.create_client)


def pytest_runtest_logreport(report):
    """The worst of setup, call and teardown."""
    if report.failed:
        outcomes[report.nodeid] = "failed"
    elif report.skipped:
        outcomes.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        outcomes.setdefault(report.nodeid, "passed")


def pytest_sessionfinish():
    with open(OUTCOMES, "w", encoding="utf-8") as file:
        json.dump(outcomes, file)
