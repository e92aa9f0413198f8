"""The demo's AWS: moto on a loopback port, with signatures and permissions checked, holding a production
and a development stack of the cost explorer."""

import json
import os
import socket
import subprocess
import time

import boto3

REGION = "cn-northwest-1"
STAGES = ("prod", "dev")
SETUP_CALLS = 4  # moto lets this many calls in unchecked; they create the key that is checked from then on


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process, what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with exit code {process.returncode} instead of listening")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{what} did not listen on port {port} within {seconds} s")


def tagged(stage):
    return [{"Key": "env", "Value": stage}, {"Key": "service", "Value": "cost-explorer"}]


def template():
    def name(pattern):
        return {"Fn::Sub": pattern}

    tags = [{"Key": "env", "Value": {"Ref": "Stage"}}]
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    return json.dumps({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Stage": {"Type": "String"}, "Rounding": {"Type": "String", "Default": "floor"}},
        "Resources": {
            "Rates": {"Type": "AWS::DynamoDB::Table", "Properties": {
                "TableName": name("cost-rates-${Stage}"), "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "sku", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "sku", "KeyType": "HASH"}], "Tags": tags}},
            "Reports": {"Type": "AWS::S3::Bucket", "Properties": {
                "BucketName": name("cost-reports-${Stage}"), "Tags": tags}},
            "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {
                "QueueName": name("cost-jobs-${Stage}"), "Tags": tags}},
            "Rule": {"Type": "AWS::SSM::Parameter", "Properties": {
                "Name": name("/cost-explorer/${Stage}/rounding"), "Type": "String",
                "Value": {"Ref": "Rounding"}}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {
                "RoleName": name("cost-explorer-${Stage}"), "AssumeRolePolicyDocument": trust}},
        },
        "Outputs": {"Rounding": {"Value": {"Ref": "Rounding"}}},
    })


class World:
    def __init__(self, folder, moto_server, region=REGION, unchecked_calls=SETUP_CALLS):
        self.region = region  # its partition is where the key is known
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(os.path.join(folder, "aws.log"), "w", encoding="utf-8")
        environment = dict(os.environ, INITIAL_NO_AUTH_ACTION_COUNT=str(unchecked_calls))
        self.process = subprocess.Popen([moto_server, "-H", "127.0.0.1", "-p", str(self.port)],
                                        env=environment, stdout=self.log, stderr=self.log)
        wait_for_port(self.port, self.process, "the local AWS (moto)")
        self.key = self._create_key()

    def _create_key(self):
        iam = boto3.client("iam", endpoint_url=self.url, region_name=self.region,
                           aws_access_key_id="setup", aws_secret_access_key="setup")
        everything = {"Version": "2012-10-17",
                      "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.create_user(UserName="keyturn-upstream")
        iam.put_user_policy(UserName="keyturn-upstream", PolicyName="everything",
                            PolicyDocument=json.dumps(everything))
        key = iam.create_access_key(UserName="keyturn-upstream")["AccessKey"]
        iam.list_users()
        return key

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name=self.region,
                            aws_access_key_id=self.key["AccessKeyId"],
                            aws_secret_access_key=self.key["SecretAccessKey"])

    def build(self):
        for stage in STAGES:
            self.client("cloudformation").create_stack(
                StackName=f"cost-explorer-{stage}", TemplateBody=template(), Tags=tagged(stage),
                Parameters=[{"ParameterKey": "Stage", "ParameterValue": stage}],
                Capabilities=["CAPABILITY_NAMED_IAM"])
            for number in range(3):
                self.client("dynamodb").put_item(TableName=f"cost-rates-{stage}", Item={
                    "sku": {"S": f"sku-{number}"}, "rate": {"N": "0.0855"}})
                self.client("s3").put_object(Bucket=f"cost-reports-{stage}", Key=f"2025-11/{number}.csv",
                                             Body=b"sku,cost\nsku-0,1.25\n")

    def stack(self, stage):
        return self.client("cloudformation").describe_stacks(
            StackName=f"cost-explorer-{stage}")["Stacks"][0]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
