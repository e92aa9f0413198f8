// Each row of data/aws/modifiers.tsv as botocore encodes it (tests/aws/encode_modifiers.py): the
// parameter changes the effect where it says what the row tests for, and only there.
#include <gtest/gtest.h>

#include <map>

#include "aws/aws.h"
#include "aws/understand_corpus.h"

namespace keyturn::aws {
namespace {

struct Row {
  bool holds = false;
  std::string name;  // `s3.DeleteObject BypassGovernanceRetention =true`
  std::string effect;
  std::string direction;
  std::string reversible;
  std::string attribute;
};

Row row_of(const Sample& sample) {
  const Json& expect = sample.expect;
  const Json* holds = expect.find("holds");
  return {.holds = holds != nullptr && *holds->if_bool(),
          .name = fmt::format("{}.{} {} {}", sample.service, sample.operation,
                              expect.string_or("member", ""), expect.string_or("test", "")),
          .effect = expect.string_or("effect", ""),
          .direction = expect.string_or("direction", ""),
          .reversible = expect.string_or("reversible", ""),
          .attribute = expect.string_or("attribute", "")};
}

Result<Action> read(const Sample& sample) {
  static const auto model = load_embedded_model();
  TRY(Understood understood,
      understand(**model, sample.scope, sample.head, sample.body, {.account = "123456789012"}));
  return std::move(understood.action);
}

void expect_changed(const Row& row, const Action& action) {
  if (!row.attribute.empty()) {
    EXPECT_NE(action.attributes.find(row.attribute), nullptr) << row.name;
  }
  if (row.effect.empty()) return;
  const Effect wanted = *parse_effect(row.effect);
  if (row.direction == "is") {
    EXPECT_EQ(action.effect, wanted) << row.name;
  } else {
    EXPECT_EQ(stricter(action.effect, wanted), action.effect) << row.name;
  }
  if (row.reversible == "no") {
    EXPECT_FALSE(*action.attributes.find("reversible")->if_bool()) << row.name;
  }
}

TEST(Modifiers, FireWhereTheirParameterSaysSoAndNowhereElse) {
  const auto samples = read_samples("modifiers.jsonl.gz");
  ASSERT_GT(samples.size(), 330U);
  std::map<std::string, int> fired;
  for (const Sample& sample : samples) {
    const Row row = row_of(sample);
    const auto action = read(sample);
    ASSERT_TRUE(action) << row.name << ": " << action.error().message;
    if (sample.operation == "PutBucketLifecycle") continue;  // an old name of the same bytes
    ASSERT_EQ(action->operation, sample.operation) << row.name;
    if (row.holds) {
      expect_changed(row, *action);
      ++fired[row.attribute];
    } else if (!row.attribute.empty()) {
      EXPECT_EQ(action->attributes.find(row.attribute), nullptr) << row.name;
    }
  }
  EXPECT_GT(fired.size(), 40U);
}

TEST(Modifiers, AreAllEncoded) {
  std::map<std::string, int> seen;
  for (const Sample& sample : read_samples("modifiers.jsonl.gz")) {
    ++seen[sample.expect.string_or("member", "")];
  }
  for (const char* member :
       {"DryRun", "SkipFinalSnapshot", "ForceDelete", "BypassGovernanceRetention",
        "DeletionProtection", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery",
        "RetainResources", "PendingWindowInDays", "LifecycleConfiguration.Rules[].Expiration",
        "VersioningConfiguration.Status", "BackupRetentionPeriod", "SnapshotRetentionLimit"}) {
    EXPECT_GE(seen[member], 2) << member;
  }
}

}  // namespace
}  // namespace keyturn::aws
