#include "aws/effect.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "aws/inside.h"
#include "aws/parameters.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kSetsRole = "sets_role";

std::optional<double> number_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789.-") != text.npos) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

// Whether a modifier's test holds for any of the values.
bool holds(std::string_view test, const std::vector<const Json*>& values) {
  if (test == "present") return !values.empty();
  if (test == "absent") return values.empty();
  if (test == "always") return true;
  return std::any_of(values.begin(), values.end(), [&](const Json* value) {
    const std::optional<std::string> text = text_of(*value);
    if (!text) return false;
    if (test.starts_with('=')) return equal_ignoring_case(*text, test.substr(1));
    if (test.starts_with("!=")) return !equal_ignoring_case(*text, test.substr(2));
    if (!test.starts_with('<')) return false;
    const std::optional<double> number = number_of(*text);
    return number && *number < number_of(std::string(test.substr(1))).value_or(0);
  });
}

void raise(Judged& judged, Effect effect, std::string why) {
  if (stricter(judged.effect, effect) != judged.effect) {
    judged.effect = effect;
    if (effect == Effect::kDestroy) judged.reversible = false;
  }
  judged.why.push_back(std::move(why));
}

// Any role, for what does not name one.
Resource any_role(const Place& place) {
  Resource role = any_resource(place);
  role.type = "iam:role";
  return role;
}

// Services take ARNs, and some also a name with or without its path.
Resource role_of(const std::string& text, std::string_view path, const Place& place) {
  const bool profile = to_lower(path).find("profile") != std::string::npos;
  const std::string_view kind = profile ? "instance-profile" : "role";
  const std::string type = fmt::format("iam:{}", kind);
  if (text.starts_with("arn:")) {
    Resource role = resource_of_arn(text, type);
    role.type = type;
    return role;
  }
  constexpr std::string_view kOfNames =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_/-";
  if (text.empty() || text.find_first_not_of(kOfNames) != text.npos) return any_role(place);
  return resource_of_arn(fmt::format("arn:{}:iam::{}:{}/{}", place.partition, place.account, kind,
                                     text.substr(text.starts_with('/') ? 1 : 0)),
                         type);
}

void lend(Judged& judged, const Modifier& modifier, const std::vector<const Json*>& values,
          const Place& place) {
  for (const Json* value : values) {
    const auto text = modifier.test == "present" ? text_of(*value) : std::nullopt;
    judged.lent.push_back(text ? role_of(*text, modifier.path, place) : any_role(place));
  }
}

void apply(Judged& judged, const Modifier& modifier, const Input& input, const Place& place) {
  const auto values = input.at(modifier.path);
  if (!holds(modifier.test, values)) return;
  if (modifier.attribute == kSetsRole) {
    // Once in the reasons, however many members name a role.
    if (!judged.lent.empty()) return lend(judged, modifier, values, place);
    lend(judged, modifier, values, place);
  }
  if (!modifier.attribute.empty()) judged.attributes.set(modifier.attribute, true);
  if (modifier.reversible == "yes") judged.reversible = true;
  if (modifier.reversible == "no") judged.reversible = false;
  if (modifier.effect.empty()) {
    judged.why.emplace_back(modifier.why);
    return;
  }
  const auto effect = parse_effect(modifier.effect);
  if (!effect) return raise(judged, Effect::kDestroy, "the model's modifier has no known effect");
  if (modifier.direction == "is") {
    judged.effect = *effect;
    judged.why.emplace_back(modifier.why);
  } else {
    raise(judged, *effect, std::string(modifier.why));
  }
}

}  // namespace

Judged judge_effect(const Model& model, const Operation& operation, const Input& input,
                    const Place& place, const Deployed* deployed) {
  Judged judged{.effect = operation.effect,
                .reversible = operation.reversible,
                .why = {model.reason(operation)}};
  if (operation.has(Trait::kCredentialExit)) judged.attributes.set("credential_exit", true);
  if (auto inside = look_inside(model, operation, input, deployed)) {
    judged.effect = inside->effect;
    judged.reversible = inside->effect != Effect::kDestroy;
    for (std::string& why : inside->why) judged.why.push_back(std::move(why));
    for (const std::string& role : inside->roles) {
      const bool full = judged.lent.size() >= kResourcesMax;
      judged.lent.push_back(role == "*" || full ? any_role(place) : role_of(role, "", place));
      if (full) break;
    }
    if (!inside->roles.empty()) {
      judged.attributes.set(kSetsRole, true);
      judged.why.emplace_back("its template says as whom services act");
    }
    if (Json makes = describe_made(inside->made, place); !makes.is_null()) {
      judged.attributes.set(std::string(kMakes), std::move(makes));
    }
    if (auto* found = inside->attributes.if_object()) {
      for (auto& [name, value] : *found) judged.attributes.set(name, std::move(value));
    }
  }
  // Those that lower come first, so that nothing else is lost by them.
  for (const bool lowering : {true, false}) {
    for_each_piece(operation.modifiers, ',', [&](std::string_view text) {
      std::size_t index = SIZE_MAX;
      std::from_chars(text.data(), text.data() + text.size(), index);
      const Modifier* modifier = model.modifier_at(index);
      if (modifier == nullptr) return raise(judged, Effect::kDestroy, "the model is inconsistent");
      if ((modifier->direction == "is") == lowering) apply(judged, *modifier, input, place);
    });
  }
  // Only asks whether it might: the answer holds nothing.
  if (judged.attributes.find("dry_run") != nullptr) judged.attributes.set("credential_exit", false);
  return judged;
}

}  // namespace keyturn::aws
