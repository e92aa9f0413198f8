// Measures understanding requests, verifying signatures, loading the model and explaining; prints
// one Markdown table. Requests are those that botocore encoded (tests/aws), one of each operation.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "aws/aws.h"
#include "aws/effect.h"
#include "aws/model.h"
#include "aws/recognise.h"
#include "aws/sigv4.h"
#include "aws/understand_corpus.h"
#include "aws/understand_parts.h"
#include "base/clock.h"
#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

constexpr unsigned kRepeats = 64;  // of one request, so that a clock in microseconds suffices
constexpr unsigned kVerifyRounds = 20'000;
constexpr unsigned kLoads = 20;

class Watch {
 public:
  double nanoseconds() const { return 1'000.0 * double((clock_.monotonic() - begin_).count()); }

 private:
  SystemClock clock_;
  Instant begin_ = clock_.monotonic();
};

double share_of(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<std::size_t>(share * double(values.size() - 1))];
}

double kib_in_use() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  file >> pages >> resident;
  return double(resident) * 4;
}

void row(const std::string& what, const std::string& figure, const std::string& aim) {
  std::printf("| %s | %s | %s |\n", what.c_str(), figure.c_str(), aim.c_str());
}

std::string kind_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kJson10:
    case Protocol::kJson11:
      return "json";
    case Protocol::kQuery:
    case Protocol::kEc2:
      return "query";
    case Protocol::kCbor:
      return "cbor";
    default:
      return "REST";
  }
}

void measure_understanding(const Model& model, const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<double>> times;
  for (const Sample& sample : samples) {
    const UnderstandOptions options{.account = "123456789012"};
    const auto first = understand(model, sample.scope, sample.head, sample.body, options);
    if (!first) continue;
    const auto known = recognise(model, sample.scope, sample.head, sample.body, options);
    if (!known || known->operation == nullptr) continue;
    const auto members = read_members(*known, sample.head, sample.body, {});
    CHECK(members);
    const Place place{"aws", "us-east-1", "123456789012"};
    const Watch watch;
    for (unsigned i = 0; i < kRepeats; ++i) {
      const auto recognised = recognise(model, sample.scope, sample.head, sample.body, options);
      CHECK(recognised);
      const Judged judged =
          judge_effect(model, *recognised->operation, members->input, place, nullptr);
      const Bound bound = bind_resources(model, *recognised->operation, members->input, place);
      CHECK(!judged.why.empty() && !bound.resources.empty());
    }
    times[kind_of(first->protocol)].push_back(watch.nanoseconds() / kRepeats);
  }
  for (auto& [kind, values] : times) {
    const std::string aim = kind == "REST" ? "p50 ≤ 4 µs" : "p50 ≤ 2 µs";
    row(fmt::format("route, bind and classify, body parsed, {} ({} operations)", kind,
                    values.size()),
        fmt::format("p50 {:.2f} µs, p99 {:.2f} µs", share_of(values, 0.5) / 1e3,
                    share_of(values, 0.99) / 1e3),
        aim);
  }
}

void measure_all(const Model& model, const std::vector<Sample>& samples) {
  std::vector<double> values;
  for (const Sample& sample : samples) {
    const Watch watch;
    for (unsigned i = 0; i < kRepeats; ++i) {
      CHECK(understand(model, sample.scope, sample.head, sample.body, {.account = "123456789012"})
                .has_value() ||
            true);
    }
    values.push_back(watch.nanoseconds() / kRepeats);
  }
  row("all of understanding: also parsing, what reviewers see, digest, writing anew",
      fmt::format("p50 {:.2f} µs, p99 {:.2f} µs", share_of(values, 0.5) / 1e3,
                  share_of(values, 0.99) / 1e3),
      "");
}

void measure_load() {
  std::ifstream file(KEYTURN_SOURCE_DIR "/data/aws/model.tsv");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<double> times;
  const double before = kib_in_use();
  auto kept = load_model(text);
  const double after = kib_in_use();
  for (unsigned i = 0; i < kLoads; ++i) {
    const Watch watch;
    CHECK(load_model(text));
    times.push_back(watch.nanoseconds());
  }
  row("model loaded", fmt::format("p50 {:.1f} ms", share_of(times, 0.5) / 1e6), "≤ 25 ms");
  row("model in memory", fmt::format("{:.1f} MiB", (after - before) / 1024), "≤ 24 MiB");
}

void measure_explain(const Model& model) {
  std::vector<std::string> lines;
  FILE* pipe = popen("gzip -dc '" KEYTURN_SOURCE_DIR "/tests/aws/requests.jsonl.gz'", "r");
  CHECK(pipe != nullptr);
  char* line = nullptr;
  std::size_t capacity = 0;
  while (getline(&line, &capacity, pipe) > 0) lines.emplace_back(line);
  std::free(line);
  CHECK(pclose(pipe) == 0);
  const Watch watch;
  std::size_t bytes = 0;
  ExplainedSessions sessions;
  for (const std::string& text : lines)
    bytes += explain(model, {}, "123456789012", text, sessions).size();
  CHECK(bytes > 0);
  row("explain", fmt::format("{:.0f} lines/s", 1e9 * double(lines.size()) / watch.nanoseconds()),
      "≥ 20,000 lines/s");
}

// The example request of Amazon's documentation, with a body of 1 KiB, signed by ourselves.
void measure_verify() {
  identity::SessionKeys keys;
  keys.access_key_id = "AKIDEXAMPLE";
  keys.secret_access_key = crypto::Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  keys.session_token = crypto::Secret("token");
  const std::string body(1'024, 'x');
  const std::string digest = crypto::sha256(body).hex();
  http::RequestHead head{"POST", "/", {}};
  head.headers.add("Host", "dynamodb.eu-central-1.amazonaws.com");
  head.headers.add("X-Amz-Date", "20150830T123600Z");
  head.headers.add("X-Amz-Target", "DynamoDB_20120810.GetItem");
  head.headers.add("X-Amz-Security-Token", "token");
  head.headers.add("Content-Type", "application/x-amz-json-1.0");
  const std::string scope = "20150830/eu-central-1/dynamodb/aws4_request";
  const std::string names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
  const auto with = [&](const std::string& signature) {
    http::RequestHead request = head;
    request.headers.add("Authorization",
                        fmt::format("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}, SignedHeaders={}, "
                                    "Signature={}",
                                    scope, names, signature));
    return request;
  };
  http::RequestHead request = with(std::string(64, '0'));
  const auto draft = read_claim(request);
  CHECK(draft);
  const auto canonical = canonical_request(request, *draft, digest);
  CHECK(canonical);
  std::string key = "AWS4" + std::string(keys.secret_access_key.view());
  for (const std::string_view part : {"20150830", "eu-central-1", "dynamodb", "aws4_request"}) {
    const auto step = crypto::hmac_sha256(key, part);
    key = step.view();
  }
  request = with(crypto::hmac_sha256(key, string_to_sign(aws::SignedWith::kV4, "20150830T123600Z",
                                                         scope, *canonical))
                     .hex());
  const Time now = *parse_time("2015-08-30T12:36:00Z");
  SigningKeys cache;
  const auto verify = [&] {
    const auto claim = read_claim(request);
    CHECK(claim);
    const std::string seen = crypto::sha256(body).hex();
    CHECK(verify_signature(request, *claim, seen, keys, now, {}, cache));
  };
  verify();
  const Watch watch;
  for (unsigned i = 0; i < kVerifyRounds; ++i) verify();
  row("SigV4 verified: claim, hash of a 1 KiB body, signature; warm key",
      fmt::format("{:.1f} µs", watch.nanoseconds() / kVerifyRounds / 1e3), "≤ 15 µs");
}

int run() {
  const auto samples = read_samples("requests.jsonl.gz");
  CHECK(samples.size() > 18'000);
  std::printf("| what | measured | aim |\n|---|---|---|\n");
  measure_load();
  const auto model = *load_embedded_model();
  measure_understanding(*model, samples);
  measure_all(*model, samples);
  measure_verify();
  measure_explain(*model);
  return 0;
}

}  // namespace
}  // namespace keyturn::aws

int main() { return keyturn::aws::run(); }
