"""Twenty and more operations over fourteen services with boto3. Prints one JSON object per operation, with
what differs from run to run taken out, so that a direct run and one through the gate can be compared."""

import hashlib
import io
import json
import os
import sys

import botocore.model
import harness

BIG = bytes(range(256)) * 80_000  # 20 MB
ODD_KEY = "a b/ü+~%2F(1)='&.txt"


def operations(endpoint, credentials):
    def use(service, **options):
        return harness.client(service, endpoint, credentials, **options)

    s3, dynamodb, sqs, sns = use("s3"), use("dynamodb"), use("sqs"), use("sns")
    yield "s3.create_bucket", s3.create_bucket(Bucket="acceptance")
    yield "s3.put_empty", s3.put_object(Bucket="acceptance", Key="empty", Body=b"")
    yield "s3.put_big", s3.put_object(Bucket="acceptance", Key="big", Body=io.BytesIO(BIG),
                                      ChecksumAlgorithm="SHA256")
    body = s3.get_object(Bucket="acceptance", Key="big")["Body"].read()
    yield "s3.get_big", {"md5": hashlib.md5(body).hexdigest(), "same": body == BIG}
    yield "s3.put_odd_key", s3.put_object(Bucket="acceptance", Key=ODD_KEY, Body=b"odd", Metadata={"k": "v"})
    yield "s3.get_odd_key", {"body": s3.get_object(Bucket="acceptance", Key=ODD_KEY)["Body"].read().decode()}
    yield "s3.list", s3.list_objects_v2(Bucket="acceptance", Prefix="a b/")
    yield "s3.delete_objects", s3.delete_objects(
        Bucket="acceptance", Delete={"Objects": [{"Key": "empty"}, {"Key": ODD_KEY}]})
    yield "dynamodb.create_table", dynamodb.create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}])
    yield "dynamodb.put_item", dynamodb.put_item(TableName="t", Item={
        "k": {"S": "ключ"}, "b": {"B": b"\x00\xff"}, "n": {"N": "12345678901234567890.1234567890"}})
    yield "dynamodb.get_item", dynamodb.get_item(TableName="t", Key={"k": {"S": "ключ"}})
    yield "dynamodb.query", dynamodb.query(
        TableName="t", KeyConditionExpression="k = :k", ExpressionAttributeValues={":k": {"S": "ключ"}})
    created = sqs.create_queue(QueueName="q", tags={"env": "dev"})
    url = created["QueueUrl"]
    yield "sqs.create_queue", {**created, "here": url.startswith(f"{endpoint}/")}
    yield "sqs.list_queues", sqs.list_queues()
    yield "sqs.send", {"md5": sqs.send_message(QueueUrl=url, MessageBody="<a>&\n")["MD5OfMessageBody"]}
    yield "sqs.receive", {"body": sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]}
    topic = sns.create_topic(Name="top")
    yield "sns.create_topic", topic
    yield "sns.publish", {"sent": "MessageId" in sns.publish(TopicArn=topic["TopicArn"], Message="m & m")}
    ec2 = use("ec2")
    yield "ec2.describe_zones", ec2.describe_availability_zones()
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["CidrBlock"]
    yield "ec2.create_vpc", {"cidr": vpc}
    yield "iam.list_users", {"names": [u["UserName"] for u in use("iam").list_users()["Users"]]}
    yield "sts.get_caller_identity", use("sts").get_caller_identity()
    yield "lambda.list_functions", use("lambda").list_functions()
    yield "kms.list_keys", use("kms").list_keys()
    ssm = use("ssm")
    yield "ssm.put_parameter", ssm.put_parameter(Name="/a/b", Value="1", Type="String")
    yield "ssm.get_parameter", ssm.get_parameter(Name="/a/b")
    yield "route53.list", use("route53").list_hosted_zones()
    logs = use("logs")
    yield "logs.create_group", logs.create_log_group(logGroupName="/g")
    yield "logs.describe", logs.describe_log_groups()
    cloudwatch = use("cloudwatch")
    yield "cloudwatch.put", cloudwatch.put_metric_data(
        Namespace="N", MetricData=[{"MetricName": "m", "Value": 1.5}])
    yield "cloudwatch.list", cloudwatch.list_metrics(Namespace="N")
    yield "cloudformation.list", use("cloudformation").list_stacks()
    yield "kinesis.list", use("kinesis").list_streams()
    # moto does not speak this protocol: its refusal must come through the gate unchanged.
    order = botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
    botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("smithy-rpc-v2-cbor", *order)
    try:
        yield "cloudwatch.cbor", use("cloudwatch").list_metrics()
    except Exception as error:  # noqa: BLE001  any refusal is a result to compare
        yield "cloudwatch.cbor", {"error": type(error).__name__}
    finally:
        botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = order


def main():
    credentials = json.loads(os.environ["ACCEPTANCE_CREDENTIALS"])
    for name, result in operations(sys.argv[1], credentials):
        if isinstance(result, dict):
            result.pop("ResponseMetadata", None)
        print(json.dumps({"operation": name, "result": result}, default=repr, sort_keys=True), flush=True)


if __name__ == "__main__":
    main()
