#include "workloads.h"

#include <algorithm>

namespace keyturn::bench {
namespace {

using cedar::EntityUid;

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  bool chance(double probability) { return next() < probability; }
  std::size_t below(std::size_t count) {
    return static_cast<std::size_t>(next() * static_cast<double>(count)) % count;
  }

 private:
  double next() { return static_cast<double>(engine_() >> 11U) * 0x1.0p-53; }
  std::mt19937_64 engine_;
};

std::string numbered(std::string_view name, std::size_t number) {
  return fmt::format("{}_{}", name, number);
}

Json uid(std::string_view type, std::string_view id) {
  return Json::object({{"type", Json(type)}, {"id", Json(id)}});
}
Json reference(std::string_view type, std::string_view id) {
  return Json::object({{"__entity", uid(type, id)}});
}

class Graph {
 public:
  void add(std::string_view type, std::string_view id, Json attributes, Json::Array parents = {}) {
    entities_.push_back(Json::object({{"uid", uid(type, id)},
                                      {"attrs", std::move(attributes)},
                                      {"parents", Json(std::move(parents))}}));
  }
  void add(std::string_view type, std::string_view id, Json::Array parents = {}) {
    add(type, id, Json(Json::Object()), std::move(parents));
  }
  Json take() { return Json(std::move(entities_)); }

 private:
  Json::Array entities_;
};

const std::vector<std::string> kRepoRoles = {"reader", "triager", "writer", "maintainer", "admin"};
const std::vector<std::string> kOrgRoles = {"reader", "writer", "admin"};
const std::vector<std::string> kGithubActions = {"read", "triage", "write", "maintain", "admin"};

std::string role_group(std::string_view owner, std::string_view role) {
  return fmt::format("{}_{}s", owner, role);
}

void add_github_actions(Graph& graph) {
  for (std::size_t i = 0; i < kGithubActions.size(); ++i) {
    Json::Array parents;
    if (i + 1 < kGithubActions.size()) parents.push_back(uid("Action", kGithubActions[i + 1]));
    graph.add("Action", kGithubActions[i], std::move(parents));
  }
}

void add_permissions(Graph& graph, std::string_view type, const std::string& owner,
                     const std::vector<std::string>& roles, Json attributes, Json::Array parents,
                     std::string_view group_type) {
  for (const std::string& role : roles) {
    attributes.set(role + "s", reference(group_type, role_group(owner, role)));
    graph.add(group_type, role_group(owner, role));
  }
  graph.add(type, owner, std::move(attributes), std::move(parents));
}

void draw_requests(Workload& workload, Draw& draw, const Shape& shape, std::string_view principal,
                   std::string_view resource, std::string_view resource_name,
                   const std::vector<std::string>& actions) {
  for (std::size_t i = 0; i < shape.requests; ++i) {
    workload.requests.push_back(
        {EntityUid{std::string(principal), numbered("user", draw.below(shape.size))},
         EntityUid{"Action", actions[draw.below(actions.size())]},
         EntityUid{std::string(resource), numbered(resource_name, draw.below(shape.size))},
         Json(Json::Object())});
  }
}

std::string github_policies() {
  std::string text;
  for (std::size_t i = 0; i < kRepoRoles.size(); ++i) {
    text += fmt::format(
        "permit(principal, action in Action::\"{}\", resource) when {{ principal in "
        "resource.{}s }};\n",
        kGithubActions[i], kRepoRoles[i]);
  }
  for (std::size_t i = 0; i < kOrgRoles.size(); ++i) {
    text += fmt::format(
        "permit(principal, action in Action::\"{}\", resource) when {{ principal in "
        "resource.owner.{}s }};\n",
        kGithubActions[i * 2], kOrgRoles[i]);
  }
  return text;
}

// A policy set in JSON with one template for each role and a link for each grant.
class TemplateSet {
 public:
  void add_template(const std::string& id, const std::string& action, std::string_view principal_op,
                    std::string_view resource_op) {
    Json json = Json::object({{"effect", "permit"}});
    json.set("principal", Json::object({{"op", Json(principal_op)}, {"slot", "?principal"}}));
    json.set("action", Json::object({{"op", "in"}, {"entity", uid("Action", action)}}));
    json.set("resource", Json::object({{"op", Json(resource_op)}, {"slot", "?resource"}}));
    json.set("conditions", Json(Json::Array()));
    templates_.emplace_back(id, std::move(json));
  }
  void link(const std::string& id, Json principal, Json resource) {
    Json values =
        Json::object({{"?principal", std::move(principal)}, {"?resource", std::move(resource)}});
    links_.push_back(Json::object({{"templateId", Json(id)},
                                   {"newId", Json(numbered("link", links_.size()))},
                                   {"values", std::move(values)}}));
  }
  std::string text() {
    return to_text(Json::object({{"staticPolicies", Json(Json::Object())},
                                 {"templates", Json(std::move(templates_))},
                                 {"templateLinks", Json(std::move(links_))}}));
  }

 private:
  Json::Object templates_;
  Json::Array links_;
};

}  // namespace

Workload make_github(const Shape& shape) {
  Workload workload{"github", github_policies(), "", Json(), {}};
  Draw draw(shape.seed);
  Graph graph;
  add_github_actions(graph);
  const auto permission = [&](std::string_view type, std::string_view owner, std::size_t number,
                              const std::vector<std::string>& roles) {
    return uid(type, role_group(numbered(owner, number), roles[draw.below(roles.size())]));
  };
  for (std::size_t i = 0; i < shape.size; ++i) {
    Json::Array parents;
    for (std::size_t j = 0; j < shape.size; ++j) {
      if (draw.chance(shape.connection))
        parents.push_back(permission("OrgPermission", "org", j, kOrgRoles));
    }
    add_permissions(graph, "Organization", numbered("org", i), kOrgRoles, Json(Json::Object()),
                    std::move(parents), "OrgPermission");
  }
  for (std::size_t i = 0; i < shape.size; ++i) {
    Json attributes = Json::object(
        {{"owner", reference("Organization", numbered("org", draw.below(shape.size)))}});
    add_permissions(graph, "Repository", numbered("repo", i), kRepoRoles, std::move(attributes), {},
                    "RepoPermission");
  }
  for (const bool is_team : {true, false}) {
    for (std::size_t i = 0; i < shape.size; ++i) {
      Json::Array parents;
      for (std::size_t j = 0; j < shape.size; ++j) {
        if (draw.chance(shape.connection))
          parents.push_back(permission("RepoPermission", "repo", j, kRepoRoles));
        // Teams only within teams of a smaller number, so that there is no cycle.
        if ((!is_team || j < i) && draw.chance(shape.connection)) {
          parents.push_back(uid("Team", numbered("team", j)));
        }
        if (!is_team && draw.chance(shape.connection)) {
          parents.push_back(uid("Organization", numbered("org", j)));
        }
        if (!is_team && draw.chance(shape.connection)) {
          parents.push_back(permission("OrgPermission", "org", j, kOrgRoles));
        }
      }
      graph.add(is_team ? "Team" : "User", numbered(is_team ? "team" : "user", i),
                std::move(parents));
    }
  }
  workload.entities = graph.take();
  draw_requests(workload, draw, shape, "User", "Repository", "repo", kGithubActions);
  return workload;
}

Workload make_gdrive(const Shape& shape) {
  Workload workload{"gdrive",
                    R"(permit(principal, action == Action::"createDocument", resource is Drive);
permit(principal,
  action in [Action::"read", Action::"write", Action::"share", Action::"changeOwner"],
  resource) when { principal.ownedDocuments.contains(resource) };
permit(principal,
  action in [Action::"read", Action::"write", Action::"share", Action::"changeOwner"],
  resource) when { resource in principal.ownedFolders };
permit(principal, action == Action::"read", resource)
  when { resource in principal.documentsAndFoldersWithViewAccess };
permit(principal, action == Action::"read", resource)
  when { resource has isPublic && resource.isPublic };
)",
                    "",
                    Json(),
                    {}};
  Draw draw(shape.seed);
  Graph graph;
  const std::size_t size = shape.size;
  std::vector<std::vector<std::size_t>> members(size);
  for (std::size_t i = 0; i < size; ++i) {
    Json::Array groups;
    Json::Array documents;
    Json::Array folders;
    for (std::size_t j = 0; j < size; ++j) {
      if (draw.chance(shape.connection)) {
        groups.push_back(uid("Group", numbered("group", j)));
        members[j].push_back(i);
      }
      if (draw.chance(shape.connection))
        documents.push_back(reference("Document", numbered("doc", j)));
      if (draw.chance(shape.connection))
        folders.push_back(reference("Folder", numbered("folder", j)));
    }
    const std::string view = "User " + numbered("user", i);
    graph.add("User", numbered("user", i),
              Json::object({{"documentsAndFoldersWithViewAccess", reference("View", view)},
                            {"ownedDocuments", Json(std::move(documents))},
                            {"ownedFolders", Json(std::move(folders))}}),
              std::move(groups));
    graph.add("View", view);
  }
  for (std::size_t i = 0; i < size; ++i) {
    Json::Array views;
    for (const std::size_t user : members[i]) {
      views.push_back(uid("View", "User " + numbered("user", user)));
    }
    graph.add("Group", numbered("group", i));
    graph.add("View", "Group " + numbered("group", i), std::move(views));
  }
  for (const bool is_folder : {true, false}) {
    for (std::size_t i = 0; i < size; ++i) {
      Json::Array parents;
      for (std::size_t j = 0; j < size; ++j) {
        if ((!is_folder || j < i) && draw.chance(shape.connection)) {
          parents.push_back(uid("Folder", numbered("folder", j)));
        }
        if (draw.chance(shape.connection))
          parents.push_back(uid("View", "User " + numbered("user", j)));
        if (draw.chance(shape.connection))
          parents.push_back(uid("View", "Group " + numbered("group", j)));
      }
      Json attributes = Json(Json::Object());
      if (!is_folder) attributes.set("isPublic", draw.chance(0.5));
      graph.add(is_folder ? "Folder" : "Document", numbered(is_folder ? "folder" : "doc", i),
                std::move(attributes), std::move(parents));
    }
  }
  workload.entities = graph.take();
  draw_requests(workload, draw, shape, "User", "Document", "doc",
                {"read", "write", "share", "changeOwner"});
  return workload;
}

Workload make_tinytodo(const Shape& shape) {
  Workload workload{"tinytodo",
                    R"(permit(principal, action in [Action::"CreateList", Action::"GetLists"],
  resource == Application::"TinyTodo");
permit(principal, action, resource is List) when { resource.owner == principal };
permit(principal, action == Action::"GetList", resource)
  when { principal in resource.readers || principal in resource.editors };
permit(principal, action in [Action::"UpdateList", Action::"CreateTask", Action::"UpdateTask",
  Action::"DeleteTask"], resource) when { principal in resource.editors };
)",
                    "",
                    Json(),
                    {}};
  Draw draw(shape.seed);
  Graph graph;
  graph.add("Application", "TinyTodo");
  for (const bool is_team : {true, false}) {
    for (std::size_t i = 0; i < shape.size; ++i) {
      Json::Array parents;
      for (std::size_t j = 0; j < shape.size; ++j) {
        if ((!is_team || j < i) && draw.chance(shape.connection)) {
          parents.push_back(uid("Team", numbered("team", j)));
        }
      }
      graph.add(is_team ? "Team" : "User", numbered(is_team ? "team" : "user", i),
                std::move(parents));
    }
  }
  for (std::size_t i = 0; i < shape.size; ++i) {
    graph.add(
        "List", numbered("list", i),
        Json::object({{"owner", reference("User", numbered("user", draw.below(shape.size)))},
                      {"readers", reference("Team", numbered("team", draw.below(shape.size)))},
                      {"editors", reference("Team", numbered("team", draw.below(shape.size)))}}));
  }
  workload.entities = graph.take();
  draw_requests(workload, draw, shape, "User", "List", "list",
                {"GetList", "UpdateList", "DeleteList", "CreateTask", "UpdateTask", "DeleteTask"});
  return workload;
}

Workload make_github_templates(const Shape& shape) {
  Workload workload = make_github(shape);
  workload.name = "github-templates";
  Draw draw(shape.seed + 1);
  TemplateSet set;
  for (std::size_t i = 0; i < kRepoRoles.size(); ++i) {
    set.add_template(kRepoRoles[i], kGithubActions[i], "in", "==");
  }
  for (const std::string_view kind : {"user", "team"}) {
    for (std::size_t i = 0; i < shape.size; ++i) {
      for (std::size_t j = 0; j < shape.size; ++j) {
        if (!draw.chance(shape.connection)) continue;
        set.link(kRepoRoles[draw.below(kRepoRoles.size())],
                 uid(kind == "user" ? "User" : "Team", numbered(kind, i)),
                 uid("Repository", numbered("repo", j)));
      }
    }
  }
  workload.policy_json = set.text();
  return workload;
}

Workload make_gdrive_templates(const Shape& shape) {
  Workload workload = make_gdrive(shape);
  workload.name = "gdrive-templates";
  Draw draw(shape.seed + 1);
  TemplateSet set;
  set.add_template("viewer", "read", "in", "in");
  set.add_template("owner", "write", "==", "in");
  for (std::size_t i = 0; i < shape.size; ++i) {
    for (std::size_t j = 0; j < shape.size; ++j) {
      const Json user = uid("User", numbered("user", i));
      const Json group = uid("Group", numbered("group", i));
      const Json document = uid("Document", numbered("doc", j));
      const Json folder = uid("Folder", numbered("folder", j));
      if (draw.chance(shape.connection)) set.link("viewer", user, document);
      if (draw.chance(shape.connection)) set.link("viewer", group, folder);
      if (draw.chance(shape.connection)) set.link("owner", user, folder);
      if (draw.chance(shape.connection)) set.link("owner", user, document);
    }
  }
  workload.policy_json = set.text();
  return workload;
}

Workload make_scale(std::size_t count, std::size_t requests, std::uint64_t seed) {
  Workload workload{fmt::format("scale {}", count), "", "", Json(), {}};
  Draw draw(seed);
  // About ten policies are about each user and each document.
  const std::size_t users = std::max<std::size_t>(1, count / 10);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view effect = i % 10 == 9 ? "forbid" : "permit";
    const std::size_t user = draw.below(users);
    switch (i % 4) {
      case 0:
        workload.policies +=
            fmt::format("{}(principal == User::\"u{}\", action == Action::\"view\", resource);\n",
                        effect, user);
        break;
      case 1:
        workload.policies += fmt::format(
            "{}(principal in Group::\"g{}\", action, resource) when {{ context.mfa }};\n", effect,
            user);
        break;
      case 2:
        workload.policies += fmt::format(
            "{}(principal is User, action in [Action::\"view\", Action::\"edit\"], resource == "
            "Doc::\"d{}\") unless {{ resource.locked }};\n",
            effect, user);
        break;
      default:
        workload.policies += fmt::format(
            "{}(principal, action, resource in Folder::\"f{}\") when {{ principal.level > 3 }};\n",
            effect, user);
        break;
    }
  }
  Graph graph;
  const std::size_t entities = std::min<std::size_t>(users, 1000);
  for (std::size_t i = 0; i < entities; ++i) {
    graph.add("User", fmt::format("u{}", i),
              Json::object({{"level", Json(static_cast<int>(i % 7))}}),
              {uid("Group", fmt::format("g{}", i))});
    graph.add("Doc", fmt::format("d{}", i), Json::object({{"locked", Json(i % 3 == 0)}}),
              {uid("Folder", fmt::format("f{}", i))});
  }
  workload.entities = graph.take();
  for (std::size_t i = 0; i < requests; ++i) {
    workload.requests.push_back({EntityUid{"User", fmt::format("u{}", draw.below(entities))},
                                 EntityUid{"Action", "view"},
                                 EntityUid{"Doc", fmt::format("d{}", draw.below(entities))},
                                 Json::object({{"mfa", true}})});
  }
  return workload;
}

std::string_view scale_schema() {
  return "entity Group, Folder;\n"
         "entity User in [Group] = { level: Long };\n"
         "entity Doc in [Folder] = { locked: Bool };\n"
         "action view, edit appliesTo { principal: User, resource: Doc, context: { mfa: Bool } "
         "};\n";
}

}  // namespace keyturn::bench
