#include "aws/bind.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "aws/parameters.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kArnFields = 6;
constexpr std::size_t kArnBytesMax = 2'048;  // IAM's own limit

struct Variable {
  std::string_view name;
  std::string_view path;
  std::string_view otherwise;
};

struct Binding {
  const ArnTemplate* arn = nullptr;
  bool primary = false;
  std::vector<Variable> variables;
};

Binding parse_binding(const Model& model, std::string_view text) {
  Binding binding;
  std::size_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, index);
  if (error != std::errc() || stop == end) return binding;
  binding.arn = model.template_at(index);
  binding.primary = *stop == 'P';
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  for_each_piece(text, ',', [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    if (equals == part.npos) return;
    Variable variable{part.substr(0, equals), part.substr(equals + 1), {}};
    const std::size_t bar = variable.path.find('|');
    if (bar != part.npos) {
      variable.otherwise = variable.path.substr(bar + 1);
      variable.path = variable.path.substr(0, bar);
    }
    binding.variables.push_back(variable);
  });
  return binding;
}

std::vector<std::string> texts_at(const Input& input, const Variable& variable) {
  std::vector<std::string> texts;
  if (variable.path == "@path") {
    // API Gateway's version 2 names its resources without the version.
    const bool versioned = input.request_path.starts_with("/v2/");
    return {versioned ? input.request_path.substr(3) : input.request_path};
  }
  if (variable.path == "@any") return {"*"};
  constexpr std::string_view kKeys = "@keys:";
  if (variable.path.starts_with(kKeys)) {
    for (const Json* value : input.at(variable.path.substr(kKeys.size()))) {
      const auto* object = value->if_object();
      for (std::size_t i = 0; object != nullptr && i < object->size(); ++i) {
        texts.push_back((*object)[i].first);
      }
    }
    return texts;
  }
  for (const Json* value : input.at(variable.path)) {
    const auto text = text_of(*value);
    if (text && !text->empty()) texts.push_back(*text);
  }
  if (texts.empty() && !variable.otherwise.empty()) texts.emplace_back(variable.otherwise);
  return texts;
}

std::vector<std::string_view> arn_fields(std::string_view arn) {
  std::vector<std::string_view> fields;
  while (fields.size() + 1 < kArnFields) {
    const std::size_t colon = arn.find(':');
    if (colon == arn.npos) break;
    fields.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  fields.push_back(arn);
  return fields;
}

bool is_arn(std::string_view text) {
  if (!text.starts_with("arn:") || text.size() > kArnBytesMax) return false;
  const auto fields = arn_fields(text);
  return fields.size() == kArnFields && !fields[1].empty() && !fields[2].empty() &&
         !fields[5].empty();
}

// The value of one variable for the template's `name`, in the form ARNs have it.
std::string shaped(std::string_view name, std::string value) {
  if (name.ends_with("WithoutLeadingSlash") && value.starts_with('/')) value.erase(0, 1);
  // WAF asks for REGIONAL or CLOUDFRONT and names resources `regional` or `global`.
  if (name == "Scope") return value == "CLOUDFRONT" ? "global" : to_lower(value);
  return value;
}

std::string fill(std::string_view text, const Place& place,
                 const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out;
  while (true) {
    const std::size_t open = text.find("${");
    out += text.substr(0, open);
    if (open == text.npos) return out;
    const std::size_t close = text.find('}', open);
    if (close == text.npos) return out;
    const std::string_view name = text.substr(open + 2, close - open - 2);
    if (name == "Partition") {
      out += place.partition;
    } else if (name == "Region") {
      out += place.region;
    } else if (name == "Account") {
      out += place.account;
    } else {
      const auto found = std::find_if(values.begin(), values.end(),
                                      [&](const auto& pair) { return pair.first == name; });
      out += found == values.end() ? std::string("*") : shaped(name, found->second);
    }
    text.remove_prefix(close + 1);
  }
}

// https://sqs.eu-central-1.amazonaws.com/123456789012/orders
Resource resource_of_queue_url(std::string_view url, const ArnTemplate& arn, Place place) {
  const std::size_t last = url.rfind('/');
  const std::size_t before = last == url.npos || last == 0 ? url.npos : url.rfind('/', last - 1);
  if (last == url.npos) {  // a queue's bare name is accepted too
    return resource_of_arn(fill(arn.text, place, {{"QueueName", std::string(url)}}), arn.type);
  }
  if (before == url.npos || last + 1 == url.size()) return any_resource(place);
  const std::string_view account = url.substr(before + 1, last - before - 1);
  const bool digits =
      account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) place.account = account;
  return resource_of_arn(fill(arn.text, place, {{"QueueName", std::string(url.substr(last + 1))}}),
                         arn.type);
}

// `bucket/key?versionId=…`, percent-encoded, as x-amz-copy-source has it.
Resource resource_of_source(std::string_view source, const Place& place) {
  const auto decoded = percent_decode(source.substr(0, source.find('?')));
  if (!decoded) return any_resource(place);
  if (is_arn(*decoded)) return resource_of_arn(*decoded, "s3:object");
  std::string_view path = *decoded;
  if (path.starts_with('/')) path.remove_prefix(1);
  return resource_of_arn(fmt::format("arn:{}:s3:::{}", place.partition, path), "s3:object");
}

class Binder {
 public:
  Binder(const Input& input, const Place& place) : input_(input), place_(place) {}

  // False when a member was not given or could not be read.
  bool bind(const Binding& binding) {
    if (binding.arn == nullptr) return false;
    const std::size_t count_before = found_.size();
    if (binding.variables.size() == 1 && binding.variables[0].name.starts_with('@')) {
      for (const std::string& text : texts_at(input_, binding.variables[0])) {
        add(special(binding, text));
      }
      return found_.size() > count_before;
    }
    return combine(binding) && found_.size() > count_before;
  }

  std::vector<Resource> take() { return std::move(found_); }
  bool overflowed() const { return overflowed_; }

 private:
  Resource special(const Binding& binding, const std::string& text) const {
    if (binding.variables[0].name == "@url") {
      if (!is_arn(text)) return resource_of_queue_url(text, *binding.arn, place_);
    }
    if (binding.variables[0].name == "@source") return resource_of_source(text, place_);
    return resource_of_arn(text, binding.arn->type);
  }

  // Lists go side by side; what is given once goes with each of them.
  bool combine(const Binding& binding) {
    std::vector<std::vector<std::string>> lists;
    std::size_t count = 1;
    for (const Variable& variable : binding.variables) {
      lists.push_back(texts_at(input_, variable));
      const std::size_t size = lists.back().size();
      if (size == 0) return false;
      if (size > 1 && count > 1 && size != count) return false;
      count = std::max(count, size);
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::pair<std::string_view, std::string>> values;
      std::string whole;
      for (std::size_t v = 0; v < lists.size(); ++v) {
        const std::string& text = lists[v][lists[v].size() == 1 ? 0 : i];
        if (is_arn(text)) whole = text;
        values.emplace_back(binding.variables[v].name, text);
      }
      // Many members take a name or an ARN. An ARN among several names is the last one's.
      const bool arn_is_all = !whole.empty() && (lists.size() == 1 || is_arn(values.back().second));
      if (!whole.empty() && !arn_is_all) values = with_names(std::move(values));
      add(resource_of_arn(arn_is_all ? whole : fill(binding.arn->text, place_, values),
                          binding.arn->type));
    }
    return true;
  }

  // `prod` of arn:aws:ecs:…:cluster/prod, where the template wants a name.
  static std::vector<std::pair<std::string_view, std::string>> with_names(
      std::vector<std::pair<std::string_view, std::string>> values) {
    for (auto& [name, text] : values) {
      if (!is_arn(text)) continue;
      const std::size_t end = text.find_last_of("/:");
      text.erase(0, end + 1);
    }
    return values;
  }

  void add(Resource resource) {
    if (found_.size() >= kResourcesMax) {
      overflowed_ = true;
    } else if (seen_.insert(resource.name).second) {
      found_.push_back(std::move(resource));
    }
  }

  const Input& input_;
  const Place& place_;
  std::vector<Resource> found_;
  std::set<std::string, std::less<>> seen_;
  bool overflowed_ = false;
};

}  // namespace

std::vector<const Json*> Input::at(std::string_view path) const {
  if (path.empty()) return {};
  const char place = path.front();
  path.remove_prefix(path.size() > 1 ? 2 : 1);
  if (place == 'b') {
    if (path.empty() && body.is_null()) return {};  // there is no body
    return values_at(body, path);
  }
  const Json& root = place == 'u' ? labels : place == 'q' ? query : headers;
  // Names of labels, parameters and fields may hold dots: there is only one step.
  if (path.ends_with("[]") || path.ends_with("{}")) path.remove_suffix(2);
  const Json* value = root.find(place == 'h' ? to_lower(path) : std::string(path));
  if (value == nullptr) return {};
  std::vector<const Json*> found;
  if (const auto* array = value->if_array()) {
    for (const Json& item : *array) found.push_back(&item);
  } else {
    found.push_back(value);
  }
  return found;
}

void Input::overwrite(std::string_view path, const Json* with) {
  if (path.empty()) return;
  const char place = path.front();
  path.remove_prefix(path.size() > 1 ? 2 : 1);
  if (place == 'b' && path.empty()) {
    if (with != nullptr) body = *with;
    return;
  }
  if (place == 'b') return keyturn::aws::overwrite(body, path, with);
  Json& root = place == 'u' ? labels : place == 'q' ? query : headers;
  const std::string name = place == 'h' ? to_lower(path) : std::string(path);
  auto* object = root.if_object();
  if (object == nullptr) return;
  std::erase_if(*object, [&](auto& member) {
    if (member.first != name) return false;
    if (with != nullptr) member.second = *with;
    return with == nullptr;
  });
}

Json Input::merged() const {
  Json::Object out;
  const auto add = [&](const Json& from, std::string_view place) {
    const auto* object = from.if_object();
    if (object == nullptr) return;
    const std::size_t others = out.size();
    for (const auto& [name, value] : *object) {
      const bool taken = std::any_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(others),
                                     [&](const auto& member) { return member.first == name; });
      out.emplace_back(taken ? fmt::format("{}.{}", place, name) : name, value);
    }
  };
  add(labels, "path");
  add(query, "query");
  add(headers, "header");
  add(body, "body");
  if (!body.is_object() && !body.is_null()) out.emplace_back("(body)", body);
  return Json(std::move(out));
}

Resource any_resource(const Place& place) {
  return {.name = "*", .account = place.account, .region = place.region};
}

Resource resource_of_arn(std::string_view arn, std::string_view type) {
  if (!is_arn(arn)) return {.name = "*"};
  std::string text(arn);
  // Keys are also named by their aliases.
  const std::string_view rest = arn_fields(arn).back();
  if (rest.starts_with("key/alias/") && type.starts_with("kms:")) {
    text.erase(text.size() - rest.size(), 4);
  }
  const auto fields = arn_fields(text);
  return {.name = text,
          .type = std::string(type),
          .account = std::string(fields[4]),
          .region = std::string(fields[3])};
}

Bound bind_resources(const Model& model, const Operation& operation, const Input& input,
                     const Place& place) {
  Bound bound;
  Binder binder(input, place);
  bool primary = false;
  for_each_piece(operation.bindings, ';', [&](std::string_view text) {
    const Binding binding = parse_binding(model, text);
    if (binder.bind(binding) && binding.primary) primary = true;
  });
  bound.resources = binder.take();
  for (const Resource& resource : bound.resources) {
    if (resource.account.empty()) continue;
    if (resource.account != place.account && !place.account.empty() && resource.account != "aws") {
      bound.why.push_back(fmt::format("`{}` belongs to another account", resource.name));
    }
  }
  // What it merely refers to (a key, a subnet) does not stand for what it acts on.
  if (!primary || binder.overflowed()) {
    bound.resources.push_back(any_resource(place));
    bound.why.emplace_back(binder.overflowed() ? "it names more resources than are listed"
                                               : "what it acts on is not named in the request");
  }
  return bound;
}

}  // namespace keyturn::aws
