// Seeded workloads after the three applications of the Cedar paper (OOPSLA 2024, arXiv 2403.04651):
// entities drawn at random with a connection probability, requests drawn at random over types that
// fit.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cedar/cedar.h"

namespace keyturn::bench {

struct Workload {
  std::string name;
  std::string
      policies;  // Cedar text; templates and their links in `policy_json` when that is not empty
  std::string policy_json;
  Json entities;
  std::vector<cedar::Request> requests;
};

struct Shape {
  unsigned size = 5;  // N: how many of each kind of entity
  double connection = 0.05;
  std::size_t requests = 500;
  std::uint64_t seed = 1;
};

Workload make_github(const Shape& shape);
Workload make_gdrive(const Shape& shape);
Workload make_tinytodo(const Shape& shape);
// The same applications with a template linked for each grant instead of roles as entities.
Workload make_github_templates(const Shape& shape);
Workload make_gdrive_templates(const Shape& shape);

// `count` one-line policies: a quarter each with `==`, `in` a group, `is` and a user, and an
// action; every tenth forbids. Requests name users, groups and documents that a few of them are
// about.
Workload make_scale(std::size_t count, std::size_t requests, std::uint64_t seed);
// The schema to which those policies conform.
std::string_view scale_schema();

}  // namespace keyturn::bench
