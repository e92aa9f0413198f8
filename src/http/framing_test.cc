#include "http/framing.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "http/chunk_decoder.h"
#include "http/head_parser.h"
#include "http/head_writer.h"

namespace keyturn::http {
namespace {

ParsedRequest request(Headers headers) {
  ParsedRequest parsed;
  parsed.head = RequestHead{"GET", "/", std::move(headers)};
  return parsed;
}

TEST(RequestFraming, AdmitsOneHostAndNoBody) {
  const auto framing = check_framing(request({{"Host", "a.example:80"}}));
  ASSERT_TRUE(framing.has_value());
  EXPECT_EQ(framing->kind, Framing::Kind::kNone);
  EXPECT_TRUE(framing->keep_alive);
}

TEST(RequestFraming, AdmitsChunkedOrOneLength) {
  const auto chunked = check_framing(request({{"host", "a"}, {"Transfer-Encoding", "Chunked"}}));
  ASSERT_TRUE(chunked.has_value());
  EXPECT_EQ(chunked->kind, Framing::Kind::kChunked);
  const auto sized = check_framing(request({{"host", "a"}, {"content-length", "0005"}}));
  ASSERT_TRUE(sized.has_value());
  EXPECT_EQ(sized->kind, Framing::Kind::kLength);
  EXPECT_EQ(sized->length, 5U);
}

TEST(RequestFraming, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::vector<Headers> refused = {
      {},
      {{"host", ""}},
      {{"host", "a"}, {"Host", "a"}},
      {{"host", "a,b"}},
      {{"host", "a/b"}},
      {{"host", "user@a"}},
      {{"host", "a b"}},
      {{"host", "a"}, {"transfer-encoding", "gzip"}, {"content-length", "5"}},
      {{"host", "a"}, {"transfer-encoding", "chunked"}, {"content-length", "5"}},
      {{"host", "a"}, {"transfer-encoding", "chunked, identity"}},
      {{"host", "a"}, {"transfer-encoding", "identity, chunked"}},
      {{"host", "a"}, {"transfer-encoding", "chunked, chunked"}},
      {{"host", "a"}, {"transfer-encoding", "xchunked"}},
      {{"host", "a"}, {"transfer-encoding", ""}},
      {{"host", "a"}, {"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}},
      {{"host", "a"}, {"content-length", "5"}, {"content-length", "5"}},
      {{"host", "a"}, {"content-length", "5, 5"}},
      {{"host", "a"}, {"content-length", "+5"}},
      {{"host", "a"}, {"content-length", "-5"}},
      {{"host", "a"}, {"content-length", "0x5"}},
      {{"host", "a"}, {"content-length", "5 "}},
      {{"host", "a"}, {"content-length", ""}},
      {{"host", "a"}, {"content-length", "18446744073709551616"}},
      {{"host", "a"}, {"connection", "x-amz-copy-source"}},
      {{"host", "a"}, {"connection", "close, authorization"}},
      {{"host", "a"}, {"connection", "close"}, {"connection", "host"}},
      {{"host", "a"}, {"connection", ""}},
  };
  for (const Headers& headers : refused) {
    const auto framing = check_framing(request(headers));
    std::string text;
    append_end_to_end(text, headers, {});
    ASSERT_FALSE(framing.has_value()) << text;
    EXPECT_EQ(framing.error().code, Code::kInvalid);
  }
}

TEST(RequestFraming, RefusesEveryTargetButAPath) {
  for (const char* target : {"*", "http://a/", "a:443", "", "/a b", "/a#b", "/\x80", "/\x7f"}) {
    ParsedRequest parsed = request({{"host", "a"}});
    parsed.head.target = target;
    EXPECT_FALSE(check_framing(parsed).has_value()) << target;
  }
  ParsedRequest connect = request({{"host", "a"}});
  connect.head.method = "CONNECT";
  EXPECT_FALSE(check_framing(connect).has_value());
}

TEST(RequestFraming, RefusesHttp10) {
  ParsedRequest parsed = request({{"host", "a"}});
  parsed.version = 10;
  EXPECT_FALSE(check_framing(parsed).has_value());
}

ParsedResponse response(int status, Headers headers, int version = 11) {
  return ParsedResponse{ResponseHead{status, std::move(headers)}, version};
}

TEST(ResponseFraming, ReadsUntilCloseWithoutLengthAndNeverReusesThen) {
  const auto framing = check_framing(response(200, {}), Method::kOther);
  ASSERT_TRUE(framing.has_value());
  EXPECT_EQ(framing->kind, Framing::Kind::kUntilClose);
  EXPECT_FALSE(framing->keep_alive);
}

TEST(ResponseFraming, RefusesConflictsAsCorrupt) {
  const std::vector<ParsedResponse> refused = {
      response(200, {{"content-length", "5"}, {"transfer-encoding", "chunked"}}),
      response(200, {{"content-length", "5"}, {"content-length", "6"}}),
      response(200, {{"transfer-encoding", "gzip"}}),
      response(200, {{"transfer-encoding", "chunked"}}, 10),
      response(101, {}),
  };
  for (const ParsedResponse& parsed : refused) {
    const auto framing = check_framing(parsed, Method::kOther);
    ASSERT_FALSE(framing.has_value());
    EXPECT_EQ(framing.error().code, Code::kCorrupt);
  }
}

TEST(ResponseFraming, GivesHead204And304NoBody) {
  const Headers sized = {{"content-length", "9"}};
  const auto head = check_framing(response(200, sized), Method::kHead);
  EXPECT_EQ(head->kind, Framing::Kind::kNone);
  EXPECT_EQ(head->length, 9U);
  EXPECT_TRUE(head->keep_alive);
  const auto unchanged = check_framing(response(304, sized), Method::kOther);
  EXPECT_EQ(unchanged->kind, Framing::Kind::kNone);
  EXPECT_TRUE(unchanged->keep_alive);
  // A 204 that announces a body may send one: its connection is not used again.
  const auto lying = check_framing(response(204, sized), Method::kOther);
  EXPECT_EQ(lying->kind, Framing::Kind::kNone);
  EXPECT_FALSE(lying->keep_alive);
}

TEST(HeadBytes, FindTheirEndWhereverTheyAreCut) {
  const std::string head = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    EXPECT_EQ(find_head_end(std::string_view(head).substr(0, cut), 0).kind, HeadEnd::Kind::kMore);
    const HeadEnd end = find_head_end(head + "rest\nbare", cut);
    EXPECT_EQ(end.kind, HeadEnd::Kind::kFound) << cut;
    EXPECT_EQ(end.size, head.size());
  }
}

TEST(HeadBytes, RefuseControlCharactersAndFolds) {
  const std::vector<std::string> refused = {
      "GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\n\tfolded\r\n\r\n",
      "GET / HTTP/1.1\r\n host: a\r\n\r\n",
      "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
      "GET / HTTP/1.1\r\n: a\r\n\r\n",
      "GET / HTTP/1.1\r\nhost\r\n\r\n",
      "GET / HTTP/1.1\r\nho st: a\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\rb: c\r\n\r\n",
      "GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n", 30),
      "\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
  };
  for (const std::string& head : refused) EXPECT_FALSE(check_head_bytes(head).has_value()) << head;
}

TEST(HeadParser, RefusesMoreFieldsThanItCounts) {
  std::string head = "GET / HTTP/1.1\r\nhost: a\r\n";
  for (std::size_t i = 0; i < kFieldsMax; ++i) head += "a: b\r\n";
  EXPECT_FALSE(parse_request_head(head + "\r\n").has_value());
}

std::string decode(std::string_view text, std::size_t cut, std::size_t room) {
  ChunkDecoder decoder;
  std::string out;
  std::string buffer(room, '\0');
  std::string_view parts[] = {text.substr(0, cut), text.substr(cut)};
  for (std::string_view part : parts) {
    while (!part.empty() && !decoder.done()) {
      const auto step = decoder.step(part, buffer);
      if (!step) return "refused";
      out.append(buffer.data(), step->produced);
      part.remove_prefix(step->consumed);
    }
  }
  return decoder.done() ? out : "unfinished";
}

TEST(Chunks, DecodeTheSameWhereverTheyAreCut) {
  const std::string text =
      "5\r\nhello\r\n00a;name=\"v\"\r\n, world...\r\n0;last\r\ntrailer: dropped\r\n\r\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(decode(text, cut, 3), "hello, world...") << cut;
  }
  for (std::size_t cut = 0; cut <= 5; ++cut) EXPECT_EQ(decode("0\r\n\r\n", cut, 1), "");
}

TEST(Chunks, RefuseEverythingElse) {
  for (const char* text : {"", "\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", "5\nhello\r\n",
                           "5\r\nhelloo\r\n", "5\r\nhello\n0\r\n\r\n", " 5\r\nhello\r\n",
                           "5 \r\nhello\r\n", "5;a\nb\r\nhello\r\n", "5;a\rb\r\nhello\r\n", "g\r\n",
                           "1000000000000000\r\n", "0\r\na\x01: b\r\n\r\n", "0\r\na: b\n\r\n"}) {
    const std::string result = decode(text, 0, 16);
    EXPECT_TRUE(result == "refused" || *text == '\0') << text << " gave " << result;
  }
  EXPECT_EQ(decode("5;" + std::string(300, 'a') + "\r\n", 0, 1), "refused");
  EXPECT_EQ(decode("0\r\na: " + std::string(9000, 'a') + "\r\n", 0, 1), "refused");
}

TEST(HeadWriter, DropsWhatBelongsToOneHop) {
  const Headers headers = {{"Connection", "close, X-Hop"},
                           {"x-hop", "1"},
                           {"Transfer-Encoding", "chunked"},
                           {"Expect", "100-continue"},
                           {"Content-Length", "5"},
                           {"TE", "trailers"},
                           {"x-end", "2"}};
  std::string text;
  append_end_to_end(text, headers, {});
  EXPECT_EQ(text, "x-end: 2\r\n");
}

TEST(HeadWriter, RefusesFieldsThatWouldSplitAHead) {
  for (const auto& field : {Headers::Field{"a b", "c"}, Headers::Field{"a", "b\r\nc: d"},
                            Headers::Field{"", "c"}, Headers::Field{"a\r\nb", "c"}}) {
    EXPECT_FALSE(check_fields({field}).has_value());
  }
}

TEST(HeadWriter, WritesDatesAsRfc9110Does) {
  EXPECT_EQ(http_date(parse_time("2026-11-23T06:28:24Z").value()), "Mon, 23 Nov 2026 06:28:24 GMT");
}

TEST(Origins, AreReadStrictly) {
  EXPECT_EQ(parse_origin("http://127.0.0.1:5000").value(), (Origin{"http", "127.0.0.1", 5000}));
  EXPECT_EQ(parse_origin("https://S3.example/").value(), (Origin{"https", "s3.example", 443}));
  EXPECT_EQ(parse_origin("http://[::1]:80").value(), (Origin{"http", "::1", 80}));
  for (const char* url : {"", "ftp://a", "http://", "http://a:0", "http://a:65536", "http://a/b",
                          "http://a:1x", "http://u@a", "http://[::1", "http://a?b", "http://a b"}) {
    EXPECT_FALSE(parse_origin(url).has_value()) << url;
  }
}

TEST(HeaderFields, CompareWithoutRegardToCase) {
  Headers headers = {{"Host", "a"}, {"x", "1"}, {"X", "2"}};
  EXPECT_EQ(headers.find("HOST"), "a");
  EXPECT_EQ(headers.count("x"), 2U);
  headers.set("X", "3");
  EXPECT_EQ(headers.count("x"), 1U);
  headers.remove("x");
  EXPECT_EQ(headers.find("x"), std::nullopt);
}

}  // namespace
}  // namespace keyturn::http
