#include <algorithm>
#include <array>

#include "aws/recognise.h"

namespace keyturn::aws {
namespace {

// What a route asks of query and headers. More points: a closer match; nothing: no match.
std::optional<int> score(const Operation& operation, const http::RequestHead& head,
                         const Target& target) {
  int points = 0;
  bool fits = true;
  const std::size_t question = operation.uri.find('?');
  if (question != std::string_view::npos) {
    for_each_piece(operation.uri.substr(question + 1), '&', [&](std::string_view pair) {
      const std::size_t equals = pair.find('=');
      const std::string* given = find_field(target.query, pair.substr(0, equals));
      const bool same =
          given != nullptr &&
          (equals == std::string_view::npos ? given->empty() : *given == pair.substr(equals + 1));
      fits = fits && same;
      points += 4;
    });
  }
  for_each_piece(operation.places, ',', [&](std::string_view place) {
    if (place.size() < 3 || place[1] != '!') return;
    const std::string_view name = place.substr(2);
    const bool given = place.front() == 'q' ? find_field(target.query, name) != nullptr
                                            : head.headers.count(name) > 0;
    fits = fits && (given || place.front() == 'p');
    points += 2;
  });
  // Only a trailing slash tells a few routes apart.
  const std::string_view path = operation.uri.substr(0, question);
  if (path.ends_with('/') == target.trailing_slash) points += 1;
  if (!fits) return std::nullopt;
  return points;
}

// Which of several matches is meant, by decreasing weight. The upstream host follows the choice, so
// that a service which was not meant never reads the request.
struct Rank {
  std::size_t literals = 0;
  int points = 0;
  bool of_scope = false;
  bool current = false;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

// Whether nothing but being deprecated tells two matches apart.
bool is_as_close(const Rank& a, const Rank& b) {
  return a.literals == b.literals && a.points == b.points && a.of_scope == b.of_scope;
}

// IAM may file an operation under another name, which is then also its scope.
bool is_of_scope(const Service& service, const Operation& operation, std::string_view scope) {
  const std::string_view action =
      operation.iam_actions.empty() ? service.iam_prefix : operation.iam_actions;
  return action.substr(0, action.find(':')) == scope;
}

}  // namespace

RouteMatch match_route(const Model& model, std::string_view scope,
                       std::span<const std::uint32_t> services, const http::RequestHead& head,
                       const Target& target) {
  // Split before they were decoded: a slash within one is no boundary, and `%40x` is `@x`.
  const std::vector<std::string_view> segments(target.segments.begin(), target.segments.end());
  RouteMatch match;
  Rank best;
  for (const std::uint32_t index : services) {
    const Service& service = model.services()[index];
    const auto found = service.routes.find(head.method, segments);
    for (const std::uint32_t number : found.operations) {
      const Operation& operation = model.operations()[number];
      const std::optional<int> points = score(operation, head, target);
      if (!points) continue;
      const Rank rank{found.literals, *points, is_of_scope(service, operation, scope),
                      !operation.has(Trait::kDeprecated)};
      // An operation that one service gave up may be another's: the stricter of both counts.
      const bool rival = match.operation != nullptr && is_as_close(rank, best) &&
                         match.operation->service != operation.service;
      if (match.operation == nullptr || best < rank) {
        std::vector<const Operation*> others;
        if (rival) others = {match.operation};
        match = {&operation, std::move(others)};
        best = rank;
      } else if (rival || rank == best) {
        match.others.push_back(&operation);
      }
    }
  }
  return match;
}

bool is_s3(std::string_view scope) {
  return scope == "s3" || scope == "s3express" || scope == "s3-outposts" ||
         scope == "s3-object-lambda";
}

std::string bucket_in_host(std::string_view host, std::span<const std::string> hosts) {
  const std::string name = to_lower(host.substr(
      0, host.rfind(':') == std::string_view::npos || host.ends_with(']') ? host.size()
                                                                          : host.rfind(':')));
  const auto before = [&](std::string_view own) -> std::string {
    if (name.size() <= own.size() + 1 || !name.ends_with(own)) return {};
    if (name[name.size() - own.size() - 1] != '.') return {};
    return name.substr(0, name.size() - own.size() - 1);
  };
  for (const std::string& own : hosts) {
    if (name == to_lower(own)) return {};
    if (std::string bucket = before(to_lower(own)); !bucket.empty()) return bucket;
  }
  if (std::string bucket = before("localhost"); !bucket.empty()) return bucket;
  constexpr std::array<std::string_view, 2> kAmazon = {".amazonaws.com", ".amazonaws.com.cn"};
  for (const std::string_view suffix : kAmazon) {
    if (!name.ends_with(suffix)) continue;
    // `bucket.s3.region.` or `bucket.s3-region.`; a bucket may hold dots itself.
    const std::size_t dot = std::min(name.rfind(".s3."), name.rfind(".s3-"));
    if (dot != std::string::npos) return name.substr(0, dot);
  }
  return {};
}

}  // namespace keyturn::aws
