"""Twenty and more operations over twelve services with the AWS CLI. Prints one JSON object per operation."""

import json
import os
import subprocess
import sys

import harness

COMMANDS = [
    "s3api create-bucket --bucket acceptance-cli",
    "s3 cp {big} s3://acceptance-cli/dir/big.bin --no-progress",
    "s3 cp s3://acceptance-cli/dir/big.bin {copy} --no-progress",
    "s3 ls s3://acceptance-cli/dir/ --summarize",
    "s3api head-object --bucket acceptance-cli --key dir/big.bin",
    "s3 rm s3://acceptance-cli/dir/big.bin",
    "dynamodb create-table --table-name tcli --billing-mode PAY_PER_REQUEST "
    "--attribute-definitions AttributeName=k,AttributeType=S --key-schema AttributeName=k,KeyType=HASH",
    'dynamodb put-item --table-name tcli --item {{"k":{{"S":"a"}},"n":{{"N":"1.10"}}}}',
    'dynamodb get-item --table-name tcli --key {{"k":{{"S":"a"}}}}',
    "dynamodb delete-table --table-name tcli",
    "sqs create-queue --queue-name qcli",
    "sqs list-queues",
    "sns create-topic --name tcli",
    "sns list-topics",
    "ec2 describe-regions",
    "ec2 create-key-pair --key-name kcli --query KeyName --dry-run",
    "ec2 describe-vpcs --query Vpcs[].CidrBlock",
    "iam list-users --query Users[].UserName",
    "sts get-caller-identity",
    "ssm put-parameter --name /cli --value v --type String",
    "ssm get-parameter --name /cli",
    "kms list-keys",
    "lambda list-functions",
    "route53 list-hosted-zones",
    "logs create-log-group --log-group-name /cli",
    "logs describe-log-groups",
    "cloudformation list-stacks",
    "cloudwatch list-metrics",
    "stepfunctions list-state-machines",
    "elasticache describe-cache-clusters",
]


def main():
    credentials = json.loads(os.environ["ACCEPTANCE_CREDENTIALS"])
    folder = sys.argv[2]
    big, copy = os.path.join(folder, "big.bin"), os.path.join(folder, "copy.bin")
    with open(big, "wb") as file:
        file.write(b"keyturn " * (9 << 17))
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "AWS_ENDPOINT_URL": sys.argv[1],
                   "AWS_DEFAULT_REGION": harness.REGION, "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
                   **{name.upper(): credentials[name] for name in credentials if name.startswith("aws_")}}
    for command in COMMANDS:
        words = [word.format(big=big, copy=copy) for word in command.split()]
        done = subprocess.run([os.path.join(harness.BIN, "aws"), "--output", "json", *words], env=environment,
                              capture_output=True, text=True, timeout=120, check=False)
        print(json.dumps({"operation": command.split(" --")[0], "code": done.returncode,
                          "result": done.stdout + done.stderr}), flush=True)
    with open(big, "rb") as one, open(copy, "rb") as other:
        print(json.dumps({"operation": "same bytes", "result": one.read() == other.read()}), flush=True)


if __name__ == "__main__":
    main()
