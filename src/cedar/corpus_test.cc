#include "cedar/corpus.h"

#include <gtest/gtest.h>

namespace keyturn::cedar {
namespace {

void expect_agreement(const Result<CorpusReport>& report, std::size_t cases, std::size_t requests) {
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->cases, cases);
  EXPECT_EQ(report->requests, requests);
  EXPECT_EQ(report->disagreements.size(), 0U);
  std::size_t shown = 0;
  for (const Disagreement& disagreement : report->disagreements) {
    if (++shown > 20) break;
    ADD_FAILURE() << disagreement.id << ", " << disagreement.where << ": expected "
                  << disagreement.expected << ", got " << disagreement.actual;
  }
}

TEST(Corpus, EveryPublicCaseAgreesOnDecisionReasonsErrorsAndVerdicts) {
  CorpusOptions options;
  options.validation_folder = KEYTURN_CEDAR_DATA "/corpus-tests-validation";
  expect_agreement(run_corpus(KEYTURN_CEDAR_DATA "/corpus", options), 3957, 3957 * 8);
}

TEST(Corpus, EveryHandwrittenCaseAgrees) {
  expect_agreement(run_corpus(KEYTURN_CEDAR_DATA "/handwritten", {}), 22, 74);
}

TEST(Corpus, AMissingOrEmptyFolderIsAnError) {
  EXPECT_EQ(run_corpus("/nonexistent/folder", {}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace keyturn::cedar
