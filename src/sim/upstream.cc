#include "sim/upstream.h"

#include "base/json.h"

namespace keyturn::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kResponseTimeout = seconds(60);  // as the real client's
constexpr std::uint64_t kBodyBytesMax = 1U << 20U;

// Half of an answer, then nothing.
class HalfBody final : public http::Body {
 public:
  explicit HalfBody(std::string text) : length_(text.size()), half_(text.substr(0, length_ / 2)) {}
  std::optional<std::uint64_t> length() const override { return length_; }
  http::Task<std::size_t> read(std::span<char> into) override {
    CO_TRY(const std::size_t count, co_await half_.read(into));
    if (count == 0) co_return fail(Code::kUnavailable, "the peer closed the connection");
    co_return count;
  }

 private:
  const std::uint64_t length_;
  http::StringBody half_;
};

constexpr std::string_view kNoStacks =
    "<DescribeStacksResponse><DescribeStacksResult><Stacks></Stacks></DescribeStacksResult>"
    "</DescribeStacksResponse>";

// One resource whose tags make it development, whatever it is called.
constexpr std::string_view kTaggedResources =
    R"({"ResourceTagMappingList":[{"ResourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/)"
    R"(tagged","Tags":[{"Key":"env","Value":"dev"}]}]})";

UpstreamCall read_call(const http::RequestHead& head, const std::string& body) {
  UpstreamCall call;
  const std::string target(head.headers.find("x-amz-target").value_or(""));
  call.operation = target.substr(target.find('.') + 1);
  if (call.operation.empty() && body.starts_with("Action=")) {
    call.operation = body.substr(7, body.find('&') - 7);
  }
  if (const auto json = parse_strict(body)) call.table = json->string_or("TableName", "");
  return call;
}

std::string answer_of(const UpstreamCall& call) {
  if (call.operation == "GetResources") return std::string(kTaggedResources);
  if (call.operation == "DescribeStacks") return std::string(kNoStacks);
  return fmt::format(R"({{"TableDescription":{{"TableName":"{}"}}}})", call.table);
}

}  // namespace

Upstream::Way Upstream::draw_way() {
  if (!dice_.chance(fault_percent_)) return Way::kAnswer;
  constexpr Way kWays[] = {Way::kError, Way::kRefuse, Way::kHang, Way::kHangDone,
                           Way::kCut,   Way::kHalf,   Way::kSlow};
  return kWays[dice_.below(std::size(kWays))];
}

http::Task<http::ClientResponse> Upstream::send(http::Origin, http::RequestHead head,
                                                http::Body& body, http::ClientFailure* failure) {
  const Way way = draw_way();
  if (way == Way::kRefuse) co_return fail(Code::kUnavailable, "connect: connection refused");
  auto text = co_await http::read_all(body, kBodyBytesMax);
  if (!text) {
    // What is not whole, upstream does not carry out.
    if (failure != nullptr) failure->sent = http::Sent::kMaybe;
    co_return fail(std::move(text.error()));
  }
  CO_TRY_VOID(co_await http::sleep(dice_.between(milliseconds(1), milliseconds(40))));
  UpstreamCall call = read_call(head, *text);
  call.executed = way != Way::kError && way != Way::kHang;
  trace_.add("upstream", fmt::format("{} {}{}", call.operation, call.table,
                                     call.executed ? "" : " (not carried out)"));
  listener_(call);
  co_return co_await answer(answer_of(call), way, std::move(call), failure);
}

http::Task<http::ClientResponse> Upstream::answer(std::string text, Way way, UpstreamCall call,
                                                  http::ClientFailure* failure) {
  if (failure != nullptr) failure->sent = http::Sent::kMaybe;
  if (way == Way::kHang || way == Way::kHangDone) {
    CO_TRY_VOID(co_await http::sleep(kResponseTimeout));
    co_return fail(Code::kTimeout, "no answer within 60 s");
  }
  if (way == Way::kCut) co_return fail(Code::kUnavailable, "the peer closed the connection");
  if (way == Way::kSlow) CO_TRY_VOID(co_await http::sleep(dice_.between(seconds(1), seconds(50))));
  http::ClientResponse response;
  response.head.headers.add("content-type", "application/x-amz-json-1.0");
  response.head.headers.add("x-amzn-requestid", fmt::format("up-{}", call.table));
  if (way == Way::kError) {
    response.head.status = dice_.chance(50) ? 400 : 500;
    text = R"({"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"})";
  }
  if (way == Way::kHalf) {
    response.body = std::make_unique<HalfBody>(std::move(text));
  } else {
    response.body = std::make_unique<http::StringBody>(std::move(text));
  }
  co_return response;
}

}  // namespace keyturn::sim
