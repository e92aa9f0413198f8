// Requests that botocore encoded (tests/aws), as the tests read them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "aws/understand.h"

namespace keyturn::aws {

struct Sample {
  Json expect;
  std::string service;
  std::string operation;
  http::RequestHead head;
  std::string body;
  Scope scope;
};

inline std::optional<Sample> read_sample(const std::string& line) {
  const auto json = parse_strict(line);
  if (!json) return std::nullopt;
  Sample sample;
  const Json* expect = json->find("expect");
  if (expect == nullptr) return std::nullopt;
  sample.expect = *expect;
  sample.service = expect->string_or("service", "");
  sample.operation = expect->string_or("operation", "");
  sample.head.method = json->string_or("method", "");
  const std::string url = json->string_or("url", "");
  const std::size_t slash = url.find_first_of("/?", url.find("://") + 3);
  sample.head.target = slash == std::string::npos ? "/" : url.substr(slash);
  if (sample.head.target.front() == '?') sample.head.target.insert(0, "/");
  sample.head.headers.add("Host", "127.0.0.1:9");
  for (const auto& [name, value] : *json->find("headers")->if_object()) {
    if (name == "Authorization") {
      const std::string& text = *value.if_string();
      const std::size_t begin = text.find("us-east-1/") + 10;
      sample.scope = {text.substr(begin, text.find('/', begin) - begin), "us-east-1"};
    } else {
      sample.head.headers.add(name, *value.if_string());
    }
  }
  sample.body = base64_decode(json->string_or("body_base64", "")).value_or("");
  return sample;
}

// The lines of a packed file of tests/aws; none when it cannot be read whole.
inline std::vector<std::string> read_packed_lines(const std::string& file) {
  std::vector<std::string> lines;
  const std::string command = "gzip -dc '" KEYTURN_SOURCE_DIR "/tests/aws/" + file + "'";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return lines;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (getline(&line, &capacity, pipe) > 0) lines.emplace_back(line);
  std::free(line);
  if (pclose(pipe) != 0) lines.clear();
  return lines;
}

inline std::vector<Sample> read_samples(const std::string& file) {
  std::vector<Sample> samples;
  for (const std::string& line : read_packed_lines(file)) {
    if (auto sample = read_sample(line)) samples.push_back(std::move(*sample));
  }
  return samples;
}

}  // namespace keyturn::aws
