// One minimal request per operation of every service, encoded by botocore
// (tests/aws/encode_requests.py), against the model.
#include "aws/understand_corpus.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "aws/aws.h"

namespace keyturn::aws {
namespace {

// What must be right without exception.
const std::set<std::string, std::less<>> kCommon = {"ec2",
                                                    "s3",
                                                    "iam",
                                                    "sts",
                                                    "cloudformation",
                                                    "dynamodb",
                                                    "rds",
                                                    "lambda",
                                                    "sqs",
                                                    "sns",
                                                    "ecs",
                                                    "eks",
                                                    "elbv2",
                                                    "autoscaling",
                                                    "route53",
                                                    "logs",
                                                    "kms",
                                                    "ssm",
                                                    "elasticbeanstalk",
                                                    "cloudwatch",
                                                    "events",
                                                    "apigateway",
                                                    "ecr",
                                                    "efs",
                                                    "ce",
                                                    "secretsmanager",
                                                    "stepfunctions",
                                                    "elasticache",
                                                    "kinesis",
                                                    "resourcegroupstaggingapi"};

// Old names of the same bytes.
const std::set<std::string, std::less<>> kAliases = {"GetBucketLifecycle", "GetBucketNotification",
                                                     "PutBucketLifecycle", "PutBucketNotification"};

class Corpus : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    samples() = read_samples("requests.jsonl.gz");
    model() = *load_embedded_model();
  }
  static std::vector<Sample>& samples() {
    static std::vector<Sample> all;
    return all;
  }
  static std::shared_ptr<const Model>& model() {
    static std::shared_ptr<const Model> one;
    return one;
  }
  static Result<Understood> read(const Sample& sample) {
    return understand(*model(), sample.scope, sample.head, sample.body,
                      {.account = "123456789012"});
  }
};

TEST_F(Corpus, IsRoutedToTheOperationThatWasEncoded) {
  ASSERT_GT(samples().size(), 18'900U);
  std::size_t right = 0;
  for (const Sample& sample : samples()) {
    const auto understood = read(sample);
    const bool exact = understood && understood->action.operation == sample.operation &&
                       understood->model_service == sample.service;
    // Services that share every byte of a request share its meaning.
    const bool twin = understood && understood->action.operation == sample.operation;
    if (exact || twin) ++right;
    const std::string got = understood
                                ? understood->model_service + "." + understood->action.operation
                                : understood.error().message;
    if (kCommon.contains(sample.service) && !kAliases.contains(sample.operation)) {
      EXPECT_TRUE(exact) << sample.service << "." << sample.operation << ": " << got;
    } else if (!exact && std::getenv("KEYTURN_SHOW_MISSES") != nullptr) {
      std::printf("%s.%s: %s\n", sample.service.c_str(), sample.operation.c_str(), got.c_str());
    }
  }
  EXPECT_GE(static_cast<double>(right), 0.995 * static_cast<double>(samples().size()));
  RecordProperty("right", static_cast<int>(right));
}

// What upstream reads is what policy judged.
TEST_F(Corpus, Invariant11IsReadTheSameAfterItWasWrittenAnew) {
  for (const Sample& sample : samples()) {
    const auto first = read(sample);
    if (!first) continue;
    Sample again = sample;
    again.head = {first->forward.method, first->forward.target, first->forward.headers};
    again.head.headers.add("Host", "127.0.0.1:9");
    again.body = first->forward.body.value_or("");
    const auto second = read(again);
    ASSERT_TRUE(second) << sample.service << "." << sample.operation << ": "
                        << second.error().message;
    EXPECT_EQ(first->action.digest, second->action.digest)
        << sample.service << "." << sample.operation << "\n"
        << first->action.canonical_request << "\n"
        << second->action.canonical_request;
    EXPECT_EQ(first->forward.body, second->forward.body);
    EXPECT_EQ(first->forward.target, second->forward.target);
  }
}

TEST_F(Corpus, NeverRatesADeletionBelowDestruction) {
  for (const Sample& sample : samples()) {
    const bool deletes = sample.operation.starts_with("Delete") ||
                         sample.operation.starts_with("Terminate") ||
                         sample.operation.starts_with("Purge");
    if (!deletes) continue;
    const auto understood = read(sample);
    ASSERT_TRUE(understood) << understood.error().message;
    // A dry run in the made-up request deletes nothing.
    if (understood->action.attributes.find("dry_run") != nullptr) continue;
    // A session can be opened again.
    if (sample.operation == "TerminateSession") continue;
    EXPECT_GE(understood->action.effect, Effect::kDestroy)
        << sample.service << "." << sample.operation;
  }
}

TEST_F(Corpus, RatesNoReadOfTheCommonServicesAboveRevealing) {
  std::size_t reads = 0;
  for (const Sample& sample : samples()) {
    const std::string& name = sample.operation;
    const bool looks = name.starts_with("Describe") || name.starts_with("List");
    if (!looks || !kCommon.contains(sample.service)) continue;
    const auto understood = read(sample);
    ASSERT_TRUE(understood);
    ++reads;
    EXPECT_LE(understood->action.effect, Effect::kReveal) << sample.service << "." << name;
  }
  EXPECT_GT(reads, 700U);
}

}  // namespace
}  // namespace keyturn::aws
