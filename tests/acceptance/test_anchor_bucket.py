"""Anchors in a bucket with object lock: written, found again, and not to be tricked by who can write to it."""

import os
import shutil

import botocore.exceptions
import harness
import pytest

BUCKET = "audit"


@pytest.fixture(scope="module")
def bucket(world):
    s3 = harness.client("s3", world.url, harness.upstream_credentials(world))
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return s3


@pytest.fixture
def gate(world, bucket, tmp_path):
    """A gate that was started and stopped once, with a place of its own in the bucket."""
    place = f"s3://{BUCKET}/{tmp_path.name.replace('_', '-')}?region={harness.REGION}&days=30"
    made = harness.Keyturn(str(tmp_path / "keyturn"), world.url, world.key,
                           more=f'\n[ledger]\nanchors = ["{place}"]\n')
    made.prefix = tmp_path.name.replace("_", "-") + "/"
    made.stop()
    yield made
    if made.process.poll() is None:
        made.stop()


def keys(gate, bucket):
    return [found["Key"] for found in bucket.list_objects_v2(Bucket=BUCKET, Prefix=gate.prefix).get("Contents", [])]


def refusal(gate):
    """What a start that must not succeed says."""
    gate.spawn()
    assert gate.process.wait(30) != 0
    return gate.log_tail()


def test_each_stop_adds_a_locked_checkpoint_and_the_newest_comes_first(gate, bucket):
    gate.start()
    gate.stop()
    found = keys(gate, bucket)
    assert len(found) >= 2, gate.log_tail()
    sizes = [int(key.split("-")[-1].split(".")[0]) for key in found]
    assert sizes == sorted(sizes, reverse=True)
    newest = bucket.get_object(Bucket=BUCKET, Key=found[0])
    assert newest["ObjectLockMode"] == "COMPLIANCE"
    with open(os.path.join(gate.data, "ledger", "checkpoint"), "rb") as file:
        assert newest["Body"].read() == file.read()
    version = newest["VersionId"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        bucket.delete_object(Bucket=BUCKET, Key=found[0], VersionId=version)


def test_an_older_copy_of_the_data_is_refused_even_when_the_newest_anchor_is_marked_deleted(gate, bucket):
    older = gate.data + ".older"
    shutil.copytree(gate.data, older)
    gate.start()
    gate.stop()
    bucket.delete_object(Bucket=BUCKET, Key=keys(gate, bucket)[0])
    shutil.rmtree(gate.data)
    shutil.move(older, gate.data)
    assert "an older copy of the data was put back" in refusal(gate)


def test_an_older_checkpoint_under_a_newer_name_is_found(gate, bucket):
    gate.start()
    gate.stop()
    oldest = bucket.get_object(Bucket=BUCKET, Key=keys(gate, bucket)[-1])["Body"].read()
    bucket.put_object(Bucket=BUCKET, Key=gate.prefix + "0" * 16 + "-99999.checkpoint", Body=oldest)
    assert "is not the checkpoint of its name" in refusal(gate)


def test_what_another_key_signed_is_no_anchor(gate, bucket):
    bucket.put_object(Bucket=BUCKET, Key=gate.prefix + "0" * 16 + "-7.checkpoint", Body=b"x\n7\nAAAA\n\n")
    assert "anchor_contradicts" in refusal(gate) or "the anchor" in refusal(gate)


def test_a_bucket_that_is_away_stops_nothing(gate, bucket):
    with open(gate.config, encoding="utf-8") as file:
        text = file.read()
    with open(gate.config, "w", encoding="utf-8") as file:
        file.write(text.replace(f"s3://{BUCKET}/", "s3://nowhere/"))
    gate.start()
    gate.stop()
    assert "ledger.not_anchored" in gate.log_tail() and "NoSuchBucket" in gate.log_tail()
