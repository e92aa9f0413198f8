#include "api/door.h"

#include "api/fields.h"
#include "api/route.h"

namespace keyturn::api {
namespace {

const std::vector<std::string> kNames = {"keyturn.example.com"};

TEST(Door, OnlyOurOwnHostNamesAreServed) {
  for (const char* host : {"localhost", "localhost:7311", "127.0.0.1:7311", "[::1]:7311", "[::1]",
                           "LOCALHOST", "keyturn.example.com", "Keyturn.Example.com:443"}) {
    EXPECT_FALSE(check_host({{"Host", host}}, kNames)) << host;
  }
  for (const char* host : {"", "evil.example.com", "127.0.0.1.evil.com", "localhost.evil.com",
                           "keyturn.example.com.evil.com", "[::1", "[::1]x.evil.com", "10.0.0.1",
                           "0.0.0.0", "@localhost", "user@localhost", "localhost@evil.com"}) {
    const auto refusal = check_host({{"Host", host}}, kNames);
    EXPECT_TRUE(refusal && refusal->status == 403) << host;
  }
  EXPECT_TRUE(check_host({}, kNames));
  EXPECT_TRUE(check_host({{"Host", "localhost"}, {"Host", "evil.com"}}, kNames));
}

TEST(Door, APageOfAnotherOriginChangesNothing) {
  EXPECT_FALSE(check_origin({{"Host", "localhost:7311"}}));
  EXPECT_FALSE(check_origin({{"Host", "localhost:7311"}, {"Origin", "http://localhost:7311"}}));
  for (const char* origin : {"null", "http://evil.com", "http://localhost", "http://localhost:7312",
                             "http://localhost:7311.evil.com", ""}) {
    EXPECT_TRUE(check_origin({{"Host", "localhost:7311"}, {"Origin", origin}})) << origin;
  }
  EXPECT_TRUE(check_origin({{"Host", "localhost"}, {"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_TRUE(check_origin({{"Host", "localhost"}, {"Sec-Fetch-Site", "same-site"}}));
  EXPECT_FALSE(check_origin({{"Host", "localhost"}, {"Sec-Fetch-Site", "same-origin"}}));
}

TEST(Door, ATokenComesInExactlyOneBearerField) {
  EXPECT_EQ(bearer_token({{"Authorization", "Bearer ktp_x"}}), "ktp_x");
  EXPECT_EQ(bearer_token({{"authorization", "bearer  ktp_x "}}), "ktp_x");
  EXPECT_FALSE(bearer_token({}));
  for (const char* value : {"", "Bearer", "Bearer ", "Basic ktp_x", "ktp_x", "Bearerktp_x"}) {
    EXPECT_FALSE(bearer_token({{"Authorization", value}})) << value;
  }
  EXPECT_FALSE(bearer_token({{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}}));
  EXPECT_FALSE(bearer_token({{"Authorization", "Bearer " + std::string(10'000, 'x')}}));
}

TEST(Door, ABodySaysThatItIsJson) {
  EXPECT_FALSE(check_content_type({{"Content-Type", "application/json"}}));
  EXPECT_FALSE(check_content_type({{"Content-Type", "Application/JSON; charset=utf-8"}}));
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "application/jsonx", "text/plain; application/json"}) {
    EXPECT_TRUE(check_content_type({{"Content-Type", type}})) << type;
  }
  EXPECT_TRUE(check_content_type({}));
}

constexpr Field kFields[] = {{"id", Type::kString, Presence::kRequired, "an id"},
                             {"answer", Type::kString, Presence::kOptional, "an answer", "yes|no"},
                             {"count", Type::kInteger, Presence::kOptional, "a count"}};

std::string fault(std::string_view body) {
  const auto read = read_body(body, kFields);
  EXPECT_FALSE(read) << body;
  return read ? "" : read.error().message;
}

TEST(Fields, ABodyIsReadStrictly) {
  EXPECT_TRUE(read_body(R"({"id":"a","answer":"no","count":3})", kFields));
  EXPECT_EQ(fault(R"({"id":"a","extra":1})"),
            "unknown member `extra`; known are `id`, `answer`, `count`");
  EXPECT_EQ(fault("{}"), "`id` is missing: an id");
  EXPECT_EQ(fault(R"({"id":1})"), "`id` must be a string");
  EXPECT_EQ(fault(R"({"id":"a","count":"3"})"), "`count` must be an integer");
  EXPECT_EQ(fault(R"({"id":"a","count":3.5})"), "`count` must be an integer");
  EXPECT_EQ(fault(R"({"id":"a","answer":"ye"})"), "`answer` is `ye` but must be one of yes|no");
  EXPECT_EQ(fault(R"({"id":"a","answer":""})"), "`answer` is `` but must be one of yes|no");
  EXPECT_EQ(fault(R"({"id":"a\u0000b"})"), "`id` must not contain a zero byte");
  EXPECT_EQ(fault("[]"), "the body must be a JSON object");
}

TEST(Fields, WhatTwoReadersCouldTakeDifferentlyIsRefused) {
  for (const char* body :
       {"", "null", "{", R"({"id":"a","id":"b"})", R"({"id":"a"}x)", "{\"id\":\"\xff\"}",
        R"({"id":NaN})", R"({'id':'a'})", R"({"id":"a",})", "\xef\xbb\xbf{\"id\":\"a\"}"}) {
    EXPECT_FALSE(read_body(body, kFields)) << body;
  }
  EXPECT_FALSE(read_body(std::string(100'000, '['), kFields));
}

TEST(Fields, AQueryIsReadStrictly) {
  const auto query = read_query("id=a%20b&count=7", kFields);
  ASSERT_TRUE(query);
  EXPECT_EQ(*query->get_string("id"), "a b");
  EXPECT_EQ(*query->get_integer("count"), 7);
  for (const char* text :
       {"id=a&id=b", "id=a&x=1", "id=a&count=-1", "id=a&count=1x", "id=a&count=", "id=%zz", "id=%",
        "id=%ff", "id=a&count=99999999999999999999", "&", "=", "id=a&answer=maybe", "id=%00"}) {
    EXPECT_FALSE(read_query(text, kFields)) << text;
  }
}

TEST(Route, IsFoundByItsExactPath) {
  EXPECT_EQ(find_route("GET", "/v1/changes").route->name, "listChanges");
  const Match match = find_route("POST", "/v1/changes/CHG-7/reviews");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->name, "giveReview");
  EXPECT_EQ(match.id, "CHG-7");
  EXPECT_EQ(find_route("PUT", "/v1/persons").allow, "GET, POST");
  for (const char* path : {"", "/", "/v1", "/v1/", "/v1/changes/", "/v1/changes//reviews",
                           "/v1/changes/a/b", "/v1/changes/a/reviews/", "//v1/changes",
                           "/V1/changes", "/v1/changes/../persons", "/v1/%63hanges"}) {
    const Match none = find_route("GET", path);
    EXPECT_EQ(none.route, nullptr) << path;
    EXPECT_EQ(none.allow, "") << path;
  }
}

}  // namespace
}  // namespace keyturn::api
