#include "http/head_parser.h"

#include <boost/beast/http/basic_parser.hpp>

#include "base/bytes.h"

namespace keyturn::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;

// Collects what Beast recognises of a head; bodies never come here.
template <bool is_request>
class HeadParser final : public beast::http::basic_parser<is_request> {
 public:
  explicit HeadParser(std::size_t bytes) {
    this->header_limit(static_cast<std::uint32_t>(bytes + 1));
    this->body_limit(boost::none);
  }

  std::string method;
  std::string target;
  int version = 0;
  int status = 0;
  Headers headers;

 private:
  void on_request_impl(beast::http::verb, string_view method_text, string_view target_text,
                       int http_version, error_code&) override {
    method = method_text;
    target = target_text;
    version = http_version;
  }
  void on_response_impl(int status_code, string_view, int http_version, error_code&) override {
    status = status_code;
    version = http_version;
  }
  void on_field_impl(beast::http::field, string_view name, string_view value,
                     error_code& error) override {
    if (headers.size() == kFieldsMax) {
      error = beast::http::error::header_limit;
      return;
    }
    headers.add(std::string_view(name.data(), name.size()),
                std::string_view(value.data(), value.size()));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

template <bool is_request>
Result<void> parse(HeadParser<is_request>& parser, std::string_view bytes, Code code) {
  error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error) return fail(code, "the head is malformed: {}", to_lower(error.message()));
  if (used != bytes.size() || !parser.is_header_done()) {
    return fail(code, "the head is malformed: it ends early");
  }
  return {};
}

}  // namespace

Result<ParsedRequest> parse_request_head(std::string_view bytes) {
  HeadParser<true> parser(bytes.size());
  TRY_VOID(parse(parser, bytes, Code::kInvalid));
  ParsedRequest request;
  request.head.method = std::move(parser.method);
  request.head.target = std::move(parser.target);
  request.head.headers = std::move(parser.headers);
  request.version = parser.version;
  return request;
}

Result<ParsedResponse> parse_response_head(std::string_view bytes) {
  HeadParser<false> parser(bytes.size());
  TRY_VOID(parse(parser, bytes, Code::kCorrupt));
  ParsedResponse response;
  response.head.status = parser.status;
  response.head.headers = std::move(parser.headers);
  response.version = parser.version;
  return response;
}

}  // namespace keyturn::http
