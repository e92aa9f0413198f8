#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"

namespace keyturn {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Code::kInvalid, "`{}` is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  TRY(const int once, context(half(value), "halve"));
  return half(once);
}

TEST(Result, CarriesTheErrorOutwardWithItsContext) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(3).error(), (Error{Code::kInvalid, "halve: `3` is odd"}));
  EXPECT_EQ(quarter(6).error(), (Error{Code::kInvalid, "`3` is odd"}));
}

TEST(CheckDeathTest, AbortsOnABrokenInvariant) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "broken invariant `1 \\+ 1 == 3`");
}

TEST(Time, IsWrittenAndReadAsRfc3339) {
  const Time time = from_micros(1'763'856'000'123'456);
  EXPECT_EQ(format_time(time), "2025-11-23T00:00:00.123456Z");
  EXPECT_EQ(parse_time("2025-11-23T00:00:00.123456Z").value(), time);
  EXPECT_EQ(parse_time("2025-11-23T00:00:00.5Z").value(), from_micros(1'763'856'000'500'000));
  for (const char* bad : {"", "2025-11-23", "2025-13-23T00:00:00Z", "2025-02-29T00:00:00Z",
                          "2025-11-23T24:00:00Z", "2025-11-23T00:00:00", "2025-11-23T00:00:00.Z",
                          "2025-11-23T00:00:00+01:00", "2025-11-23 00:00:00Z"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Duration, IsReadWithItsUnit) {
  EXPECT_EQ(parse_duration("90s").value(), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration("2h").value(), std::chrono::hours(2));
  for (const char* bad : {"", "5", "h", "-1s", "1y", "1 h", "9223372036854775807d"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(ManualClock, StepsTheWallAloneWithoutMovingMonotonicTime) {
  ManualClock clock;
  const Instant before = clock.monotonic();
  const Time wall = clock.now();
  clock.step_wall(-std::chrono::hours(1));
  EXPECT_EQ(clock.monotonic(), before);
  EXPECT_EQ(clock.now(), wall - std::chrono::hours(1));
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(clock.monotonic() - before, std::chrono::seconds(1));
}

TEST(ForwardClock, GoesOnWhenTheInnerOneIsSetBack) {
  ManualClock inner;
  const ForwardClock clock(inner);
  const Time start = clock.now();
  EXPECT_EQ(start, inner.now());
  inner.step_wall(-std::chrono::hours(1));
  EXPECT_EQ(clock.now(), start);
  EXPECT_EQ(clock.ahead(), std::chrono::hours(1));
  inner.advance(std::chrono::minutes(5));
  EXPECT_EQ(clock.now(), start + std::chrono::minutes(5));
  inner.step_wall(std::chrono::hours(2));
  EXPECT_EQ(clock.now(), inner.now());
  EXPECT_EQ(clock.ahead(), Duration(0));
}

TEST(ForwardClock, IsAtLeastAsLateAsItWasTold) {
  ManualClock inner;
  ForwardClock clock(inner);
  const Time later = inner.now() + std::chrono::hours(3);
  clock.raise(later);
  clock.raise(inner.now());
  EXPECT_EQ(clock.now(), later);
  inner.advance(std::chrono::seconds(1));
  EXPECT_EQ(clock.now(), later + std::chrono::seconds(1));
}

TEST(Base64, RoundTripsEveryLengthAndRefusesLooseForms) {
  SeededRandom random(1);
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string bytes = random.bytes(length);
    EXPECT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
  }
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
  for (const char* bad : {"Zm8", "Zm9=", "Z===", "Zm8=Zm8=", "Zm 8", "Z\nm8", "Zh=="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Hex, RoundTripsAndRefusesOtherCharacters) {
  EXPECT_EQ(hex_encode(std::string("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(hex_decode("00FF10").value(), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
  EXPECT_FALSE(Digest::from_hex("00"));
}

TEST(Percent, DecodesOnceAndOnlyWellFormedEscapes) {
  EXPECT_EQ(percent_encode("a/b c~é", "/"), "a/b%20c~%C3%A9");
  EXPECT_EQ(percent_decode("a%2Fb+c%2525").value(), "a/b+c%25");
  for (const char* bad : {"%", "%2", "%zz", "a%"}) EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Utf8, RefusesOverlongSurrogateAndTruncatedSequences) {
  EXPECT_TRUE(is_valid_utf8("aé€😀"));
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << hex_encode(bad);
  }
}

TEST(Glob, MatchesRunsAndSingleCharacters) {
  EXPECT_TRUE(glob_match("arn:aws*:s3:::prod-*", "arn:aws-cn:s3:::prod-x"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("prod", "production"));
  // Exponential in a naive matcher.
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*b", std::string(2'000, 'a')));
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("grüße", 7), "grüße");
  EXPECT_EQ(shortened("grüße", 3), "gr…") << "the third byte is half a letter";
  EXPECT_EQ(shortened("grüße", 4), "grü…");
  EXPECT_EQ(shortened("üü", 0), "…");
  EXPECT_EQ(shortened("", 0), "");
}

TEST(Printable, ShowsHostileTextWithoutObeyingIt) {
  EXPECT_EQ(printable("delete\x1b[2J\nok\xe2\x80\xaegnp"),
            "delete\\x1b[2J\\x0aok\\xe2\\x80\\xaegnp");
  EXPECT_EQ(printable("naïve 😀"), "naïve 😀");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
  EXPECT_EQ(printable("\xff"), "\\xff");
}

TEST(Handle, NamesTheFault) {
  EXPECT_TRUE(check_handle("kiro-2"));
  for (const char* bad : {"", "Kiro", "2kiro", "ki ro", "ki/ro"}) EXPECT_FALSE(check_handle(bad));
  EXPECT_FALSE(check_handle(std::string(64, 'a')));
}

TEST(MakeId, IsPrefixedLongAndRepeatableFromASeed) {
  SeededRandom one(7);
  SeededRandom two(7);
  const std::string id = make_id("ses", one);
  EXPECT_EQ(id.size(), 30U);
  EXPECT_EQ(id, make_id("ses", two));
  EXPECT_NE(id, make_id("ses", one));
}

TEST(MemoryLogDeathTest, FailsATestThatLeavesAnErrorLine) {
  EXPECT_DEATH(
      {
        MemoryLog log;
        log.error("store.failed", {{"why", "disk full"}});
      },
      "disk full");
}

TEST(MemoryLog, ForgivesErrorsThatATestExpected) {
  MemoryLog log;
  log.info("quiet");
  log.error("store.failed", {{"path", "a\"b"}});
  EXPECT_EQ(log.take_errors().at(0),
            "{\"level\":\"error\",\"event\":\"store.failed\",\"path\":\"a\\\"b\"}\n");
  EXPECT_EQ(log.lines().size(), 2U);
}

TEST(Metrics, RenderAsPrometheusText) {
  Metrics metrics;
  Counter& allow = metrics.counter("keyturn_verdicts_total", "Verdicts.", "verdict=\"allow\"");
  allow.add(3);
  EXPECT_EQ(&allow, &metrics.counter("keyturn_verdicts_total", "Verdicts.", "verdict=\"allow\""));
  metrics.gauge("keyturn_held", "Held requests.").set(2);
  Histogram& took = metrics.histogram("keyturn_seconds", "Time taken.");
  took.observe(std::chrono::microseconds(60));
  took.observe(std::chrono::hours(1));
  const std::string text = metrics.render();
  EXPECT_NE(text.find("keyturn_verdicts_total{verdict=\"allow\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("# TYPE keyturn_held gauge\nkeyturn_held 2\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_seconds_bucket{le=\"5e-05\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_seconds_bucket{le=\"0.0001\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_seconds_bucket{le=\"+Inf\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("keyturn_seconds_count 2\n"), std::string::npos);
}

}  // namespace
}  // namespace keyturn
