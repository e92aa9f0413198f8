// Twenty and more operations over thirteen services with the AWS SDK for JavaScript v3, among them streamed
// uploads with trailing checksums inside HTTP chunks. Prints one JSON object per operation.
import { Readable } from "node:stream";
import { createHash } from "node:crypto";
import * as cloudformation from "@aws-sdk/client-cloudformation";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import * as kms from "@aws-sdk/client-kms";
import * as lambda from "@aws-sdk/client-lambda";
import * as route53 from "@aws-sdk/client-route-53";
import * as s3 from "@aws-sdk/client-s3";
import * as sns from "@aws-sdk/client-sns";
import * as sqs from "@aws-sdk/client-sqs";
import * as ssm from "@aws-sdk/client-ssm";
import * as sts from "@aws-sdk/client-sts";

const endpoint = process.argv[2];
const given = JSON.parse(process.env.ACCEPTANCE_CREDENTIALS);
const options = {
  endpoint,
  region: "us-east-1",
  maxAttempts: 1,
  credentials: {
    accessKeyId: given.aws_access_key_id,
    secretAccessKey: given.aws_secret_access_key,
    sessionToken: given.aws_session_token,
  },
};

async function run(name, client, command, pick = (result) => result) {
  const result = await client.send(command);
  delete result.$metadata;
  const picked = await pick(result);
  console.log(JSON.stringify({ operation: name, result: picked }));
  return result;
}

const md5 = (bytes) => createHash("md5").update(bytes).digest("hex");
const big = Buffer.alloc(5 << 20, "keyturn ");
const S3 = new s3.S3Client({ ...options, forcePathStyle: true });
const Bucket = "acceptance-js";
await run("s3.create_bucket", S3, new s3.CreateBucketCommand({ Bucket }));
await run("s3.put_empty", S3, new s3.PutObjectCommand({ Bucket, Key: "empty", Body: "" }));
await run("s3.put_stream", S3, new s3.PutObjectCommand({
  Bucket, Key: "stream/ü +~.bin", Body: Readable.from([big.subarray(0, 1000), big.subarray(1000)]),
  ContentLength: big.length, ChecksumAlgorithm: "CRC32",
}));
await run("s3.get_stream", S3, new s3.GetObjectCommand({ Bucket, Key: "stream/ü +~.bin" }),
  async (result) => ({ md5: md5(await result.Body.transformToByteArray()), want: md5(big) }));
await run("s3.list", S3, new s3.ListObjectsV2Command({ Bucket }));
await run("s3.delete", S3, new s3.DeleteObjectCommand({ Bucket, Key: "empty" }));

const tables = new dynamodb.DynamoDBClient(options);
await run("dynamodb.create_table", tables, new dynamodb.CreateTableCommand({
  TableName: "tjs", BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
}));
await run("dynamodb.put_item", tables, new dynamodb.PutItemCommand({
  TableName: "tjs", Item: { k: { S: "a" }, b: { B: Uint8Array.of(0, 255) }, n: { N: "1e-100" } },
}));
await run("dynamodb.get_item", tables, new dynamodb.GetItemCommand({ TableName: "tjs", Key: { k: { S: "a" } } }));
await run("dynamodb.scan", tables, new dynamodb.ScanCommand({ TableName: "tjs" }));

const queues = new sqs.SQSClient(options);
const { QueueUrl } = await run("sqs.create_queue", queues, new sqs.CreateQueueCommand({ QueueName: "qjs" }),
  (result) => ({ here: result.QueueUrl.startsWith(`${endpoint}/`) }));
await run("sqs.send", queues, new sqs.SendMessageCommand({ QueueUrl, MessageBody: "<é>" }),
  (result) => ({ md5: result.MD5OfMessageBody }));
await run("sqs.receive", queues, new sqs.ReceiveMessageCommand({ QueueUrl }),
  (result) => ({ body: result.Messages[0].Body }));

const topics = new sns.SNSClient(options);
await run("sns.create_topic", topics, new sns.CreateTopicCommand({ Name: "tjs" }));
await run("sns.list_topics", topics, new sns.ListTopicsCommand({}));
const network = new ec2.EC2Client(options);
await run("ec2.describe_regions", network, new ec2.DescribeRegionsCommand({}));
await run("ec2.create_security_group", network,
  new ec2.CreateSecurityGroupCommand({ GroupName: "g", Description: "d" }),
  (result) => ({ made: result.GroupId.startsWith("sg-") }));
await run("iam.list_users", new iam.IAMClient(options), new iam.ListUsersCommand({}),
  (result) => result.Users.map((user) => user.UserName));
await run("sts.get_caller_identity", new sts.STSClient(options), new sts.GetCallerIdentityCommand({}));
await run("kms.list_keys", new kms.KMSClient(options), new kms.ListKeysCommand({}));
await run("lambda.list_functions", new lambda.LambdaClient(options), new lambda.ListFunctionsCommand({}));
await run("route53.list", new route53.Route53Client(options), new route53.ListHostedZonesCommand({}));
const parameters = new ssm.SSMClient(options);
await run("ssm.put_parameter", parameters,
  new ssm.PutParameterCommand({ Name: "/js", Value: "v", Type: "String" }));
await run("ssm.get_parameter", parameters, new ssm.GetParameterCommand({ Name: "/js" }));
const watch = new cloudwatch.CloudWatchClient(options);
await run("cloudwatch.list_metrics", watch, new cloudwatch.ListMetricsCommand({}));
const groups = new logs.CloudWatchLogsClient(options);
await run("logs.create_group", groups, new logs.CreateLogGroupCommand({ logGroupName: "/js" }));
await run("logs.describe", groups, new logs.DescribeLogGroupsCommand({}));
await run("cloudformation.list", new cloudformation.CloudFormationClient(options),
  new cloudformation.ListStacksCommand({}));
