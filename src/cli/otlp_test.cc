#include "cli/otlp.h"

#include <gmock/gmock.h>

namespace keyturn::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kText = R"({"body":{"verdict":"deny"},"index":7,"kind":"action.decided",)"
                              R"("time":"2025-12-01T08:00:00.000001Z","v":1})";

TEST(Otlp, AnEntryIsALogRecordWithItsTextByteForByte) {
  const auto request = otlp_request({{7, "ab", kText}});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(*request,
            R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":)"
            R"({"stringValue":"keyturn"}}]},"scopeLogs":[{"scope":{"name":"keyturn.ledger"},)"
            R"("logRecords":[{"timeUnixNano":"1764576000000001000","severityNumber":13,)"
            R"("severityText":"WARN","eventName":"keyturn.action.decided","body":{"stringValue":)"
            R"("{\"body\":{\"verdict\":\"deny\"},\"index\":7,\"kind\":\"action.decided\",)"
            R"(\"time\":\"2025-12-01T08:00:00.000001Z\",\"v\":1}"},"attributes":[)"
            R"({"key":"keyturn.ledger.index","value":{"intValue":"7"}},)"
            R"({"key":"keyturn.ledger.leaf","value":{"stringValue":"ab"}},)"
            R"({"key":"keyturn.ledger.kind","value":{"stringValue":"action.decided"}}]}]}]}]})");
}

TEST(Otlp, WhatIsNoEntryIsNotSent) {
  EXPECT_FALSE(otlp_request({{0, "ab", "{}"}}));
  EXPECT_FALSE(otlp_request({{0, "ab", R"({"kind":"x","time":"noon"})"}}));
}

TEST(Otlp, OnlyAnAnswerThatTakesAllIsGood) {
  for (const char* good : {"", "{}", "\n", R"({"partialSuccess":{}})",
                           R"({"partialSuccess":{"rejectedLogRecords":0}})",
                           R"({"partialSuccess":{"rejectedLogRecords":"0"}})"}) {
    EXPECT_TRUE(check_otlp_answer(200, good)) << good;
  }
  const auto some = check_otlp_answer(
      200, R"({"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}})");
  ASSERT_FALSE(some);
  EXPECT_THAT(some.error().message, HasSubstr("rejected 3 entries: too old"));
  EXPECT_FALSE(check_otlp_answer(200, R"({"partialSuccess":{"rejectedLogRecords":-1}})"));
  EXPECT_FALSE(check_otlp_answer(200, "<html>"));
  EXPECT_FALSE(check_otlp_answer(503, "{}"));
  EXPECT_FALSE(check_otlp_answer(204, ""));
}

TEST(Otlp, AUrlWithoutAPathIsACollectors) {
  EXPECT_EQ(otlp_path(""), "/v1/logs");
  EXPECT_EQ(otlp_path("/"), "/v1/logs");
  EXPECT_EQ(otlp_path("/otlp/v1/logs"), "/otlp/v1/logs");
}

}  // namespace
}  // namespace keyturn::cli
