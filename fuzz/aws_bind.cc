// Binding ARNs: two bytes choose an operation, lines are the values of its bindings' members in
// turn, each a list where the member is one. Oracle: every resource is an ARN or `*`; it is of the
// place's partition unless the request says an ARN; and what a primary binding's member names is in
// a resource's name, or `*` stands beside.
#include <algorithm>
#include <map>

#include "aws/bind.h"
#include "aws_forward.h"
#include "base/bytes.h"

namespace {

using namespace keyturn;

constexpr std::size_t kItemsMax = 4;

// Sets `value` at `A.B[].C` below `root`, making what is above it.
void put(Json& root, std::string_view path, const std::vector<std::string>& values) {
  const std::size_t dot = path.find('.');
  std::string_view step = path.substr(0, dot);
  const bool list = step.ends_with("[]");
  const bool map = step.ends_with("{}");
  if (list || map) step.remove_suffix(2);
  if (!root.is_object()) root = Json::Object{};
  Json inner;
  if (dot == path.npos) {
    Json::Array items(values.begin(), values.end());
    inner = list ? Json(std::move(items)) : Json(values.front());
    if (map) inner = Json::object({{"key", values.front()}});
  } else {
    const Json* before = root.find(step);
    if (before != nullptr && list && before->is_array()) before = &(*before->if_array())[0];
    if (before != nullptr && map) before = before->find("key");
    Json child = before == nullptr ? Json(Json::Object{}) : *before;
    put(child, path.substr(dot + 1), values);
    if (!list && !map) inner = child;
    if (list) inner = Json::array({child});
    if (map) inner = Json::object({{"key", child}});
  }
  root.set(std::string(step), std::move(inner));
}

void put(aws::Input& input, std::string_view path, const std::vector<std::string>& values) {
  const char place = path.front();
  path.remove_prefix(std::min<std::size_t>(2, path.size()));
  if (path.empty()) return;
  if (place == 'b') return put(input.body, path, values);
  std::string name(path.ends_with("[]") ? path.substr(0, path.size() - 2) : path);
  Json& root = place == 'u' ? input.labels : place == 'q' ? input.query : input.headers;
  // A query parameter may be repeated, which makes it a list.
  Json value =
      values.size() == 1 ? Json(values.front()) : Json(Json::Array(values.begin(), values.end()));
  root.set(place == 'h' ? to_lower(name) : name, std::move(value));
}

std::string plain(std::string_view text) {
  std::string lower = to_lower(text);
  return lower.starts_with('/') ? lower.substr(1) : lower;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2 || size > 4'096) return 0;
  const auto& operations = aws::fuzz_model().operations();
  const auto& operation = operations[(data[0] * 256U + data[1]) % operations.size()];
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  aws::Input input;
  std::map<std::string, std::vector<std::string>, std::less<>> given;  // what members say
  std::vector<std::string_view> asked;  // members of primary bindings
  bool whole = false;
  aws::for_each_piece(operation.bindings, ';', [&](std::string_view binding) {
    const std::size_t role = binding.find_first_of("PS");
    const bool named = binding.find('@') != binding.npos;  // read in ways of its own
    aws::for_each_piece(binding.substr(role + 1), ',', [&](std::string_view variable) {
      std::string_view path = variable.substr(variable.find('=') + 1);
      path = path.substr(0, path.find('|'));
      if (path.starts_with('@')) return;
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::vector<std::string> values;
      aws::for_each_piece(rest.substr(0, end), '\t', [&](std::string_view value) {
        if (values.size() < kItemsMax && !value.empty()) values.emplace_back(value);
      });
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (values.empty()) return;
      const bool may_repeat = path.front() == 'b' || path.front() == 'q';
      if (!path.ends_with("[]") || !may_repeat) values.resize(1);
      for (const std::string& value : values) whole = whole || value.starts_with("arn:");
      const bool alone = binding.find(',') == binding.npos;  // side by side, lists may not fit
      if (binding[role] == 'P' && !named && alone) asked.push_back(path);
      given[std::string(path)] = values;
      put(input, path, values);
    });
  });
  const aws::Place place{"aws", "eu-central-1", "123456789012"};
  const aws::Bound bound = aws::bind_resources(aws::fuzz_model(), operation, input, place);
  CHECK(!bound.resources.empty() && bound.resources.size() <= aws::kResourcesMax + 1);
  bool any = false;
  std::string names;
  for (const Resource& resource : bound.resources) {
    any = any || resource.name == "*";
    names += plain(resource.name) + "\n";
    if (resource.name == "*") continue;
    CHECK(std::count(resource.name.begin(), resource.name.end(), ':') >= 5);
    CHECK(resource.name.starts_with("arn:"));
    CHECK(whole || resource.name.starts_with("arn:aws:") || resource.name.starts_with("arn:*:"));
    CHECK(resource.name.size() <= 2'048);
  }
  for (const std::string_view path : asked) {
    for (const std::string& value : given.find(path)->second) {
      CHECK(any || whole || names.find(plain(value)) != names.npos);
    }
  }
  return 0;
}
