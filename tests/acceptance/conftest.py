"""One AWS and one gate for the tests that do not need their own."""

import harness
import pytest


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = harness.start_aws(str(tmp_path_factory.mktemp("aws")))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gate(world, tmp_path_factory):
    made = harness.Keyturn(str(tmp_path_factory.mktemp("keyturn")), world.url, world.key)
    yield made
    made.stop()
    assert made.error_lines() == []
