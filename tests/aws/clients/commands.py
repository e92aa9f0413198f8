"""What the command-line clients of Debian are made to do. `@` stands for the folder of files that
they are given, `URL` and `HOST` for the recorder."""

HERE = "eu-central-1:123456789012"


def aws(words, operation, effect, *resources):
    service = words.split(" ")[0]
    return words, {"service": service, "operation": operation, "effect": effect,
                   "resources": list(resources or ["*"])}


# Recorded and answered by nobody: one request each.
AWSCLI_CALLS = [
    aws("cloudformation delete-stack --stack-name shop", "DeleteStack", "destroy",
        f"arn:aws:cloudformation:{HERE}:stack/shop"),
    aws("cloudwatch delete-alarms --alarm-names a", "DeleteAlarms", "destroy",
        f"arn:aws:cloudwatch:{HERE}:alarm:a"),
    aws("dynamodb delete-table --table-name orders", "DeleteTable", "destroy",
        f"arn:aws:dynamodb:{HERE}:table/orders"),
    aws("ec2 terminate-instances --instance-ids i-1 i-2", "TerminateInstances", "destroy",
        f"arn:aws:ec2:{HERE}:instance/i-1", f"arn:aws:ec2:{HERE}:instance/i-2"),
    aws("ec2 describe-instances", "DescribeInstances", "observe"),
    aws("ecs list-clusters", "ListClusters", "observe"),
    aws("eks delete-cluster --name c", "DeleteCluster", "destroy",
        f"arn:aws:eks:{HERE}:cluster/c"),
    aws("elasticbeanstalk terminate-environment --environment-name e", "TerminateEnvironment",
        "destroy", f"arn:aws:elasticbeanstalk:{HERE}:environment/*/e"),
    aws("iam delete-role --role-name deploy", "DeleteRole", "destroy",
        "arn:aws:iam::123456789012:role/deploy"),
    aws("kinesis delete-stream --stream-name s", "DeleteStream", "destroy",
        f"arn:aws:kinesis:{HERE}:stream/s"),
    aws("kms list-keys", "ListKeys", "observe"),
    aws("lambda delete-function --function-name f", "DeleteFunction", "destroy",
        f"arn:aws:lambda:{HERE}:function:f"),
    aws("logs delete-log-group --log-group-name /g", "DeleteLogGroup", "destroy",
        f"arn:aws:logs:{HERE}:log-group:/g"),
    aws("rds delete-db-instance --db-instance-identifier d --skip-final-snapshot",
        "DeleteDBInstance", "destroy", f"arn:aws:rds:{HERE}:db:d"),
    aws("route53 delete-hosted-zone --id Z1", "DeleteHostedZone", "destroy",
        "arn:aws:route53:::hostedzone/Z1"),
    aws("secretsmanager get-secret-value --secret-id db", "GetSecretValue", "reveal",
        f"arn:aws:secretsmanager:{HERE}:secret:db"),
    aws(f"sns delete-topic --topic-arn arn:aws:sns:{HERE}:t", "DeleteTopic", "destroy",
        f"arn:aws:sns:{HERE}:t"),
    aws("sqs purge-queue --queue-url http://sqs.example/123456789012/q", "PurgeQueue", "destroy",
        f"arn:aws:sqs:{HERE}:q"),
    aws("ssm delete-parameter --name /a/b", "DeleteParameter", "destroy",
        f"arn:aws:ssm:{HERE}:parameter/a/b"),
    aws("sts get-caller-identity", "GetCallerIdentity", "observe"),
]

# The rest is answered by moto, and S3 alone.
AWSCLI_S3 = [
    "aws s3 mb s3://awscli",
    "aws s3 cp @/small s3://awscli/a/small",
    "aws s3 cp @/large s3://awscli/large",
    "aws s3 sync @ s3://awscli/synced",
    "aws s3 cp s3://awscli/a/small @/back",
    "aws s3 cp s3://awscli/a/small s3://awscli/copied --acl public-read",
    "aws s3 ls s3://awscli/a/",
    "aws s3api list-buckets",
    "aws s3api get-bucket-versioning --bucket awscli",
    "aws s3api delete-objects --bucket awscli --delete Objects=[{Key=copied},{Key=gone}]",
    "aws s3 mv s3://awscli/large s3://awscli/moved",
    "aws s3 rb s3://awscli --force",
]
RCLONE = [
    "rclone mkdir r:rclone",
    "rclone sync @ r:rclone/dir --exclude large",
    "rclone copyto @/small r:rclone/one",
    "rclone lsl r:rclone",
    "rclone cat r:rclone/dir/small",
    "rclone copyto r:rclone/one r:rclone/two",
    "rclone deletefile r:rclone/one",
    "rclone rcat r:rclone/piped",
    "rclone purge r:rclone",
]
# In parts. moto then gives it the version `null`, which it does not know when asked for it.
RCLONE_LARGE = "rclone copyto @/large r:rclone/large"
S3CMD = [
    "s3cmd mb s3://s3cmd",
    "s3cmd put @/small s3://s3cmd/a/small",
    "s3cmd put @/large s3://s3cmd/large --multipart-chunk-size-mb=5",
    "s3cmd ls s3://s3cmd",
    "s3cmd info s3://s3cmd/large",
    "s3cmd get --force s3://s3cmd/a/small @/back",
    "s3cmd cp s3://s3cmd/a/small s3://s3cmd/b",
    "s3cmd setacl --acl-public s3://s3cmd/b",
    "s3cmd del s3://s3cmd/b",
    "s3cmd sync @ s3://s3cmd/synced/",
    "s3cmd rb --recursive --force s3://s3cmd",
]
RESTIC = [
    "restic init",
    "restic backup @",
    "restic snapshots",
    "restic check",
    "restic forget --keep-last 1 --prune",
]
