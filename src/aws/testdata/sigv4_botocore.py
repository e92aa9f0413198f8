#!/usr/bin/env python3
"""Writes sigv4_botocore.json: requests that botocore signs, to be verified by our own verifier.

Needs botocore on the path. Times are frozen, so that the file only changes with botocore.
"""

import datetime
import json
import sys
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session

ID, SECRET, TOKEN = "ASIAEXAMPLEEXAMPLE22", "k7Qz+0/example+secret/withSlashes000000A", "tok/en+with=specials=="
VARYING = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request"}  # unsigned
NOW = datetime.datetime(2026, 11, 23, 6, 22, 40, tzinfo=datetime.timezone.utc)


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return NOW if tz else NOW.replace(tzinfo=None)


captured = []


def capture(request, **_):
    url = request.url
    target = url[url.index("/", 8):]
    host = url[8:].split("/")[0] if url.startswith("https://") else url[7:].split("/")[0]
    headers = [[k, v.decode() if isinstance(v, bytes) else v] for k, v in request.headers.items()
               if k.lower() not in VARYING]
    if not any(k.lower() == "host" for k, _ in headers):
        headers.append(["Host", host])
    body = request.body or b""
    if hasattr(body, "read"):
        body.seek(0)
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    captured.append({"method": request.method, "target": target, "headers": headers,
                     "body": body.decode("latin-1")})
    return botocore.awsrequest.AWSResponse(url, 200, {}, mock.Mock(stream=lambda *a, **k: [b""]))


def client(session, service, region="cn-northwest-1", **options):
    made = session.create_client(service, region_name=region, endpoint_url="http://127.0.0.1:7312",
                                 **options)
    made.meta.events.register("before-send", capture)
    return made


def call(name, function, **arguments):
    before = len(captured)
    try:
        function(**arguments)
    except Exception as problem:  # the captured answer is empty; parsing it may fail
        if len(captured) == before:
            raise
        del problem
    for request in captured[before:]:
        request["name"] = name


def presign(made, operation, arguments, method="GET"):
    url = made.generate_presigned_url(operation, Params=arguments, ExpiresIn=900)
    captured.append({"name": f"presigned {operation}", "method": method,
                     "target": url[url.index("/", 8):], "headers": [["Host", "127.0.0.1:7312"]],
                     "body": ""})


def main():
    session = botocore.session.Session()
    session.set_credentials(ID, SECRET, TOKEN)
    once = botocore.config.Config(retries={"total_max_attempts": 1})
    s3v4 = once.merge(botocore.config.Config(signature_version="s3v4"))
    call("dynamodb json", client(session, "dynamodb", config=once).get_item, TableName="t",
         Key={"id": {"S": "é\"\\"}})
    call("sts query", client(session, "sts", config=once).get_caller_identity)
    call("ec2", client(session, "ec2", config=once).describe_instances, InstanceIds=["i-1"])
    call("cloudwatch", client(session, "cloudwatch", config=once).list_metrics, Namespace="a/b")
    call("sqs", client(session, "sqs", config=once).list_queues)
    lambda_ = client(session, "lambda", config=once)
    call("lambda arn in path", lambda_.get_function,
         FunctionName="arn:aws-cn:lambda:cn-northwest-1:123456789012:function:f")
    call("lambda qualifier", lambda_.invoke, FunctionName="f", Qualifier="$LATEST", Payload=b"{}")
    call("route53 xml", client(session, "route53", "aws-global", config=once).list_hosted_zones)
    s3 = client(session, "s3", config=s3v4)
    call("s3 put", s3.put_object, Bucket="b", Key="a b/c+d&e=é%/../x", Body=b"hello",
         Metadata={"note": "two  words"})
    call("s3 list", s3.list_objects_v2, Bucket="b", Prefix="a b/+&=", Delimiter="/")
    call("s3 delete objects", s3.delete_objects, Bucket="b",
         Delete={"Objects": [{"Key": "x"}, {"Key": "y"}]})
    call("s3 subresource", s3.get_bucket_policy, Bucket="b")
    presign(s3, "get_object", {"Bucket": "b", "Key": "a b/ü.txt"})
    presign(s3, "put_object", {"Bucket": "b", "Key": "k"}, "PUT")
    presign(client(session, "sts", config=once), "get_caller_identity", {}, "POST")
    json.dump({"id": ID, "secret": SECRET, "token": TOKEN, "time": "2026-11-23T06:22:40Z",
               "requests": captured}, sys.stdout, indent=1, sort_keys=True)
    print()


with mock.patch.object(botocore.auth.datetime, "datetime", Frozen) if hasattr(
        botocore.auth, "datetime") else mock.MagicMock(), \
     mock.patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True:
                NOW.replace(tzinfo=None) if remove_tzinfo else NOW, create=True):
    main()
