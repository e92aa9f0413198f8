// Requests of the AWS SDK for JavaScript v3 for the corpus of clients: per service, operations with
// what each is, does and touches, written from AWS's documentation. Each is told to the recorder
// first, which answers that it is recorded, so that the call fails.
//   node requests.mjs http://127.0.0.1:PORT
import http from "node:http";
import { Readable } from "node:stream";

const endpoint = process.argv[2];
const here = "eu-central-1:123456789012";
const arn = (service, rest) => `arn:aws:${service}:${here}:${rest}`;
const iam = (rest) => `arn:aws:iam::123456789012:${rest}`;

// package → [botocore's name, client class, [operation, input, effect, resources]…]
const services = {
  "api-gateway": ["apigateway", "APIGateway", [
    ["GetRestApis", {}, "observe", ["arn:aws:apigateway:eu-central-1::/restapis"]],
    ["DeleteRestApi", { restApiId: "a1b2" }, "destroy",
      ["arn:aws:apigateway:eu-central-1::/restapis/a1b2"]],
    ["DeleteStage", { restApiId: "a1b2", stageName: "prod" }, "destroy",
      ["arn:aws:apigateway:eu-central-1::/restapis/a1b2/stages/prod"]],
  ]],
  "auto-scaling": ["autoscaling", "AutoScaling", [
    ["DescribeAutoScalingGroups", {}, "observe", ["*"]],
    ["DeleteAutoScalingGroup", { AutoScalingGroupName: "web", ForceDelete: true }, "destroy",
      [arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/web")]],
    ["SetDesiredCapacity", { AutoScalingGroupName: "web", DesiredCapacity: 2 }, "change",
      [arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/web")]],
  ]],
  cloudformation: ["cloudformation", "CloudFormation", [
    ["DeleteStack", { StackName: "shop" }, "destroy", [arn("cloudformation", "stack/shop")]],
    ["DescribeStacks", { StackName: "shop" }, "observe",
      [arn("cloudformation", "stack/shop")]],
    ["ListStacks", { StackStatusFilter: ["CREATE_COMPLETE", "DELETE_FAILED"] }, "observe", ["*"]],
  ]],
  cloudfront: ["cloudfront", "CloudFront", [
    ["ListDistributions", {}, "observe", ["*"]],
    ["DeleteDistribution", { Id: "E1ABC", IfMatch: "E2" }, "destroy",
      ["arn:aws:cloudfront::123456789012:distribution/E1ABC"]],
    ["CreateInvalidation", { DistributionId: "E1ABC", InvalidationBatch: {
      CallerReference: "1", Paths: { Quantity: 1, Items: ["/*"] } } }, "change",
      ["arn:aws:cloudfront::123456789012:distribution/E1ABC"]],
  ]],
  cloudwatch: ["cloudwatch", "CloudWatch", [
    ["DeleteAlarms", { AlarmNames: ["a one", "b"] }, "destroy",
      [arn("cloudwatch", "alarm:a one"), arn("cloudwatch", "alarm:b")]],
    ["PutMetricData", { Namespace: "n", MetricData: [
      { MetricName: "m", Value: 1.5, Timestamp: new Date(0) }] }, "change", ["*"]],
    ["ListMetrics", {}, "observe", ["*"]],
  ]],
  "cloudwatch-logs": ["logs", "CloudWatchLogs", [
    ["DeleteLogGroup", { logGroupName: "/aws/lambda/f" }, "destroy",
      [arn("logs", "log-group:/aws/lambda/f")]],
    ["FilterLogEvents", { logGroupName: "/g", filterPattern: "\"a b\" | é" }, "observe",
      [arn("logs", "log-group:/g")]],
    ["PutRetentionPolicy", { logGroupName: "/g", retentionInDays: 1 }, "destroy",
      [arn("logs", "log-group:/g")]],
  ]],
  "cost-explorer": ["ce", "CostExplorer", [
    ["GetCostAndUsage", { TimePeriod: { Start: "2026-01-01", End: "2026-02-01" },
      Granularity: "MONTHLY", Metrics: ["UnblendedCost"] }, "observe", ["*"]],
    ["DeleteAnomalyMonitor", { MonitorArn: "arn:aws:ce::123456789012:anomalymonitor/m1" },
      "destroy", ["arn:aws:ce::123456789012:anomalymonitor/m1"]],
  ]],
  dynamodb: ["dynamodb", "DynamoDB", [
    ["GetItem", { TableName: "orders", Key: { id: { S: "1" } } }, "observe",
      [arn("dynamodb", "table/orders")]],
    ["DeleteTable", { TableName: "orders" }, "destroy", [arn("dynamodb", "table/orders")]],
    ["PutItem", { TableName: "orders", Item: { id: { S: "é\u0001" }, b: {
      B: new Uint8Array([0, 255]) } } }, "change", [arn("dynamodb", "table/orders")]],
    ["BatchWriteItem", { RequestItems: { one: [{ DeleteRequest: { Key: { id: { S: "1" } } } }],
      two: [{ PutRequest: { Item: { id: { S: "1" } } } }] } }, "destroy",
      [arn("dynamodb", "table/one"), arn("dynamodb", "table/two")]],
    ["ExecuteStatement", { Statement: "DELETE FROM \"orders\" WHERE id='1'" }, "destroy",
      [arn("dynamodb", "table/orders")]],
  ]],
  ec2: ["ec2", "EC2", [
    ["TerminateInstances", { InstanceIds: ["i-1", "i-2"] }, "destroy",
      [arn("ec2", "instance/i-1"), arn("ec2", "instance/i-2")]],
    ["TerminateInstances", { InstanceIds: ["i-1"], DryRun: true }, "observe",
      [arn("ec2", "instance/i-1")]],
    ["DescribeInstances", { Filters: [{ Name: "tag:Name", Values: ["a b", "c+d"] }] }, "observe",
      ["*"]],
    ["AuthorizeSecurityGroupIngress", { GroupId: "sg-1", IpPermissions: [{ IpProtocol: "tcp",
      FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }, "change",
      [arn("ec2", "security-group/sg-1")]],
  ]],
  ecr: ["ecr", "ECR", [
    ["GetAuthorizationToken", {}, "reveal", ["*"]],
    ["BatchDeleteImage", { repositoryName: "r/a", imageIds: [{ imageTag: "1" }] }, "destroy",
      [arn("ecr", "repository/r/a")]],
  ]],
  ecs: ["ecs", "ECS", [
    ["UpdateService", { cluster: "c", service: "s", desiredCount: 1 }, "change",
      [arn("ecs", "service/c/s")]],
    ["DeleteCluster", { cluster: "c" }, "destroy", [arn("ecs", "cluster/c")]],
    ["ListClusters", {}, "observe", ["*"]],
  ]],
  eks: ["eks", "EKS", [
    ["DescribeCluster", { name: "c" }, "observe", [arn("eks", "cluster/c")]],
    ["DeleteCluster", { name: "c" }, "destroy", [arn("eks", "cluster/c")]],
    ["ListTagsForResource", { resourceArn: arn("eks", "cluster/c") }, "observe",
      [arn("eks", "cluster/c")]],
  ]],
  "elastic-beanstalk": ["elasticbeanstalk", "ElasticBeanstalk", [
    ["TerminateEnvironment", { EnvironmentName: "cost-explorer-prod" }, "destroy",
      [arn("elasticbeanstalk", "environment/*/cost-explorer-prod")]],
    ["RebuildEnvironment", { EnvironmentName: "cost-explorer-prod" }, "destroy",
      [arn("elasticbeanstalk", "environment/*/cost-explorer-prod")]],
    ["DescribeEnvironments", {}, "observe", ["*"]],
  ]],
  "elastic-load-balancing-v2": ["elbv2", "ElasticLoadBalancingV2", [
    ["DeleteLoadBalancer", { LoadBalancerArn:
      arn("elasticloadbalancing", "loadbalancer/app/web/1f") }, "destroy",
      [arn("elasticloadbalancing", "loadbalancer/app/web/1f")]],
    ["DescribeLoadBalancers", {}, "observe", ["*"]],
  ]],
  eventbridge: ["events", "EventBridge", [
    ["PutEvents", { Entries: [{ Source: "s", DetailType: "t", Detail: "{}" }] }, "change",
      ["*"]],
    ["DeleteRule", { Name: "nightly" }, "destroy", [arn("events", "rule/nightly")]],
  ]],
  iam: ["iam", "IAM", [
    ["DeleteRole", { RoleName: "deploy" }, "destroy", [iam("role/deploy")]],
    ["AttachUserPolicy", { UserName: "a.b+c@d", PolicyArn: iam("policy/p") }, "grant",
      [iam("user/a.b+c@d")]],
    ["CreateAccessKey", { UserName: "u" }, "grant", [iam("user/u")]],
    ["ListUsers", {}, "observe", ["*"]],
  ]],
  kinesis: ["kinesis", "Kinesis", [
    ["PutRecord", { StreamName: "s", PartitionKey: "1", Data: new Uint8Array([1, 2]) }, "change",
      [arn("kinesis", "stream/s")]],
    ["DeleteStream", { StreamName: "s" }, "destroy", [arn("kinesis", "stream/s")]],
  ]],
  kms: ["kms", "KMS", [
    ["ScheduleKeyDeletion", { KeyId: "11111111-2222-3333-4444-555555555555",
      PendingWindowInDays: 7 }, "destroy",
      [arn("kms", "key/11111111-2222-3333-4444-555555555555")]],
    ["Decrypt", { CiphertextBlob: new Uint8Array([1]) }, "reveal", ["*"]],
    ["ListKeys", {}, "observe", ["*"]],
  ]],
  lambda: ["lambda", "Lambda", [
    ["DeleteFunction", { FunctionName: arn("lambda", "function:f") }, "destroy",
      [arn("lambda", "function:f")]],
    ["GetFunctionConfiguration", { FunctionName: "f", Qualifier: "1" }, "reveal",
      [arn("lambda", "function:f")]],
    ["ListTags", { Resource: arn("lambda", "function:f") }, "observe",
      [arn("lambda", "function:f")]],
    ["Invoke", { FunctionName: "f", Payload: "{\"a\":1}" }, "change",
      [arn("lambda", "function:f")]],
  ]],
  rds: ["rds", "RDS", [
    ["DeleteDBInstance", { DBInstanceIdentifier: "d", SkipFinalSnapshot: true }, "destroy",
      [arn("rds", "db:d")]],
    ["ModifyDBInstance", { DBInstanceIdentifier: "d", DeletionProtection: false }, "destroy",
      [arn("rds", "db:d")]],
    ["DescribeDBInstances", {}, "observe", ["*"]],
  ]],
  "route-53": ["route53", "Route53", [
    ["ChangeResourceRecordSets", { HostedZoneId: "Z1", ChangeBatch: { Changes: [{
      Action: "DELETE", ResourceRecordSet: { Name: "a.example", Type: "A", TTL: 60,
        ResourceRecords: [{ Value: "192.0.2.1" }] } }] } }, "destroy",
      ["arn:aws:route53:::hostedzone/Z1"]],
    ["ListHostedZones", {}, "observe", ["*"]],
    ["DeleteHostedZone", { Id: "/hostedzone/Z1" }, "destroy",
      ["arn:aws:route53:::hostedzone/Z1"]],
  ]],
  s3: ["s3", "S3", [
    ["ListBuckets", {}, "observe", ["*"]],
    ["ListObjectsV2", { Bucket: "logs", Prefix: "a/é +" }, "observe", ["arn:aws:s3:::logs"]],
    ["GetObject", { Bucket: "logs", Key: "a b/c+d/é&=?" }, "observe",
      ["arn:aws:s3:::logs/a b/c+d/é&=?"]],
    ["HeadObject", { Bucket: "logs", Key: "k" }, "observe", ["arn:aws:s3:::logs/k"]],
    ["PutObject", { Bucket: "logs", Key: "k", Body: "text", Metadata: { a: "b" } }, "change",
      ["arn:aws:s3:::logs/k"]],
    ["PutObject", { Bucket: "logs", Key: "stream", Body: () => Readable.from([
      Buffer.alloc(70_000, "ab"), Buffer.from("end")]), ContentLength: 70_003 }, "change",
      ["arn:aws:s3:::logs/stream"]],
    ["PutObject", { Bucket: "logs", Key: "public", Body: "x", ACL: "public-read" }, "grant",
      ["arn:aws:s3:::logs/public"]],
    ["UploadPart", { Bucket: "logs", Key: "k", UploadId: "u1", PartNumber: 2, Body: "part" },
      "change", ["arn:aws:s3:::logs/k"]],
    ["DeleteObject", { Bucket: "logs", Key: "dir/" }, "destroy", ["arn:aws:s3:::logs/dir/"]],
    ["DeleteObjects", { Bucket: "logs", Delete: { Objects: [{ Key: "a&b" }, { Key: "c<d" }] } },
      "destroy", ["arn:aws:s3:::logs/a&b", "arn:aws:s3:::logs/c<d"]],
    ["PutBucketVersioning", { Bucket: "logs", VersioningConfiguration: { Status: "Suspended" } },
      "destroy", ["arn:aws:s3:::logs"]],
    ["PutBucketPolicy", { Bucket: "logs", Policy: "{}" }, "grant", ["arn:aws:s3:::logs"]],
    ["DeleteBucket", { Bucket: "logs" }, "destroy", ["arn:aws:s3:::logs"]],
  ]],
  "s3-control": ["s3control", "S3Control", [
    ["GetPublicAccessBlock", { AccountId: "123456789012" }, "observe", ["*"]],
    ["DeleteAccessPoint", { AccountId: "123456789012", Name: "ap" }, "destroy",
      [arn("s3", "accesspoint/ap")]],
  ]],
  "secrets-manager": ["secretsmanager", "SecretsManager", [
    ["GetSecretValue", { SecretId: "db" }, "reveal", [arn("secretsmanager", "secret:db")]],
    ["DeleteSecret", { SecretId: "db", ForceDeleteWithoutRecovery: true }, "destroy",
      [arn("secretsmanager", "secret:db")]],
  ]],
  sfn: ["stepfunctions", "SFN", [
    ["StartExecution", { stateMachineArn: arn("states", "stateMachine:m"), input: "{}" },
      "change", [arn("states", "stateMachine:m")]],
    ["DeleteStateMachine", { stateMachineArn: arn("states", "stateMachine:m") }, "destroy",
      [arn("states", "stateMachine:m")]],
  ]],
  sns: ["sns", "SNS", [
    ["Publish", { TopicArn: arn("sns", "t"), Message: "a=1&b 2+é" }, "change", [arn("sns", "t")]],
    ["DeleteTopic", { TopicArn: arn("sns", "t") }, "destroy", [arn("sns", "t")]],
  ]],
  sqs: ["sqs", "SQS", [
    ["SendMessage", { QueueUrl: "http://sqs.example/123456789012/q", MessageBody: "m" }, "change",
      [arn("sqs", "q")]],
    ["PurgeQueue", { QueueUrl: "http://sqs.example/123456789012/q" }, "destroy",
      [arn("sqs", "q")]],
    ["ListQueues", {}, "observe", ["*"]],
  ]],
  ssm: ["ssm", "SSM", [
    ["GetParameter", { Name: "/a/b", WithDecryption: true }, "reveal",
      [arn("ssm", "parameter/a/b")]],
    ["DeleteParameter", { Name: "/a/b" }, "destroy", [arn("ssm", "parameter/a/b")]],
  ]],
  sts: ["sts", "STS", [
    ["GetCallerIdentity", {}, "observe", ["*"]],
    ["AssumeRole", { RoleArn: iam("role/admin"), RoleSessionName: "s" }, "change",
      [iam("role/admin")]],
  ]],
};

const credentials = {
  accessKeyId: "ASIAEXAMPLEEXAMPLE22",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "tok/en+with=specials==",
};

async function expect(client, service, operation, effect, resources) {
  const told = await fetch(`${endpoint}/_expect`, {
    method: "POST",
    body: JSON.stringify({ client, expect: { service, operation, effect, resources } }),
  });
  if (told.status !== 204) throw new Error(`the recorder answered ${told.status}`);
}

// A name below localhost is the recorder as well, where the resolver does not say so itself.
const agent = new http.Agent({ lookup: (_, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4) });

async function send(module, name, url, operation, input) {
  const client = new module[`${name}Client`]({
    endpoint: url, region: "eu-central-1", credentials, maxAttempts: 1, disableHostPrefix: true,
    requestHandler: { httpAgent: agent },
  });
  const given = typeof input.Body === "function" ? { ...input, Body: input.Body() } : input;
  const command = new module[`${operation}Command`](given);
  await client.send(command).then(
    () => { throw new Error(`${operation} was answered`); },
    () => undefined);
}

for (const [folder, [service, name, calls]] of Object.entries(services)) {
  const module = await import(`@aws-sdk/client-${folder}`);
  const version = (await import(`@aws-sdk/client-${folder}/package.json`,
    { with: { type: "json" } })).default.version;
  for (const [operation, input, effect, resources] of calls) {
    await expect(`js ${version}`, service, operation, effect, resources);
    await send(module, name, endpoint, operation, input);
    if (service === "s3") {
      const named = endpoint.replace("127.0.0.1", "localhost");
      await expect(`js ${version} virtual host`, service, operation, effect, resources);
      await send(module, name, named, operation, input);
    }
  }
}

const s3 = await import("@aws-sdk/client-s3");
const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
const client = new s3.S3Client({ endpoint, region: "eu-central-1", credentials,
  forcePathStyle: true });
for (const [operation, method, effect] of [["GetObject", "GET", "observe"],
  ["PutObject", "PUT", "change"], ["DeleteObject", "DELETE", "destroy"]]) {
  const command = new s3[`${operation}Command`]({ Bucket: "logs", Key: "a b/é+c" });
  const url = await getSignedUrl(client, command, { expiresIn: 300 });
  await expect("js presigned", "s3", operation, effect, ["arn:aws:s3:::logs/a b/é+c"]);
  await fetch(url, { method, body: method === "PUT" ? "text" : undefined });
}
