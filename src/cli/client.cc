#include "cli/client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "http/http.h"

namespace keyturn::cli {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:7311";
constexpr Duration kTimeout = std::chrono::seconds(60);
constexpr std::size_t kTokenBytesMax = 256;

Code code_of_status(int status) {
  switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
      return Code::kInvalid;
    case 401:
    case 403:
      return Code::kDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kConflict;
    case 429:
      return Code::kExhausted;
    case 503:
      return Code::kUnavailable;
    case 504:
      return Code::kTimeout;
    default:
      return Code::kInternal;
  }
}

Error error_of(int status, const Result<Json>& body) {
  const Json* error = body ? body->find("error") : nullptr;
  if (error == nullptr) {
    return {code_of_status(status),
            fmt::format("the server answered {}, without a reason", status)};
  }
  std::string message = printable(error->string_or("message", "no reason given"));
  if (status >= 500) {
    message += fmt::format(" (request {})", printable(error->string_or("request_id", "?"), 100));
  }
  return {code_of_status(status), std::move(message)};
}

Result<std::string> read_token_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) {
      return fail(Code::kDenied,
                  "no token: set KEYTURN_TOKEN, or put your token into {} with mode 600", path);
    }
    return fail(Code::kUnavailable, "open `{}`: {}", path, std::strerror(errno));
  }
  struct stat status{};
  std::string text(kTokenBytesMax, '\0');
  ssize_t count = -1;
  const bool is_private = ::fstat(descriptor, &status) == 0 && (status.st_mode & 077U) == 0;
  if (is_private) count = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (!is_private) {
    return fail(Code::kDenied, "the token file `{}` may be read by others; run `chmod 600 {}`",
                path, path);
  }
  if (count < 0) return fail(Code::kUnavailable, "read `{}`: {}", path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(count));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

std::string token_file(const Environment& environment) {
  const std::string base =
      environment("XDG_CONFIG_HOME").value_or(environment("HOME").value_or(".") + "/.config");
  return base + "/keyturn/token";
}

Result<std::string> find_token(const Environment& environment) {
  std::optional<std::string> token = environment("KEYTURN_TOKEN");
  if (!token) {
    TRY(token, read_token_file(token_file(environment)));
  }
  // Whatever goes into a header must stay on its line.
  for (const char c : *token) {
    if (c <= ' ' || c > '~')
      return fail(Code::kInvalid, "the token holds a character no token has");
  }
  if (token->empty()) return fail(Code::kDenied, "the token is empty");
  return *token;
}

Result<Client> Client::create(const std::string& url, const Environment& environment) {
  std::string server = url.empty() ? environment("KEYTURN_URL").value_or(kDefaultUrl) : url;
  while (server.ends_with('/')) server.pop_back();
  TRY_VOID(context(http::parse_origin(server), "the server's URL"));
  TRY(std::string token, find_token(environment));
  return Client(std::move(server), std::move(token));
}

Result<Json> Client::get(std::string_view target) const {
  return send("GET", target, std::nullopt);
}

Result<Json> Client::send(std::string_view method, std::string_view target,
                          const std::optional<Json>& body) const {
  TRY(const http::Origin origin, http::parse_origin(url_));
  http::RequestHead head;
  head.method = method;
  head.target = target;
  head.headers.add("authorization", "Bearer " + token_);
  head.headers.add("accept", "application/json");
  std::string text;
  if (body) {
    head.headers.add("content-type", "application/json");
    text = to_text(*body);
  }
  auto response = http::fetch(origin, std::move(head), std::move(text), kTimeout);
  if (!response) {
    if (response.error().code != Code::kUnavailable) return fail(std::move(response.error()));
    return fail(Code::kUnavailable,
                "no Keyturn server at {} ({}); start one with `keyturn serve`, or "
                "name it with KEYTURN_URL",
                url_, response.error().message);
  }
  auto answer = parse_strict(response->body);
  if (response->status < 200 || response->status > 299) {
    return fail(error_of(response->status, answer));
  }
  return context(std::move(answer), fmt::format("the answer of {}", url_));
}

}  // namespace keyturn::cli
