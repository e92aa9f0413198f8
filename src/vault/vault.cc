#include "vault/vault.h"

#include <mutex>

#include "base/bytes.h"
#include "base/id.h"
#include "base/json.h"
#include "vault/found.h"
#include "vault/metadata.h"
#include "vault/profile.h"
#include "vault/signer.h"

namespace keyturn::vault {
namespace {

// AWS replaces temporary credentials at least five minutes before they expire.
constexpr Duration kRefreshBefore = std::chrono::minutes(5);

struct SourceName {
  Source source;
  std::string_view name;
};
constexpr SourceName kSourceNames[] = {{Source::kSealed, "sealed"},
                                       {Source::kEnvironment, "environment"},
                                       {Source::kProfile, "profile"},
                                       {Source::kContainer, "container"},
                                       {Source::kInstance, "instance"}};

std::string label_of(std::string_view name) { return fmt::format("vault/credentials/{}", name); }

std::string to_box(const Credentials& credentials, const crypto::SealingKey& key,
                   std::string_view name, Random& random) {
  // Written by hand, so that the one copy of the secret can be wiped.
  std::string text = "{\"AccessKeyId\":";
  append_json_string(text, credentials.access_key_id);
  text += ",\"SecretAccessKey\":";
  append_json_string(text, credentials.secret_access_key.view());
  if (!credentials.session_token.empty()) {
    text += ",\"SessionToken\":";
    append_json_string(text, credentials.session_token.view());
  }
  if (credentials.expiry) {
    text += ",\"Expiration\":";
    append_json_string(text, format_time(*credentials.expiry));
  }
  text += '}';
  std::string box = key.seal(text, label_of(name), random);
  crypto::wipe(text);
  return box;
}

class StoredVault final : public Vault {
 public:
  StoredVault(store::Store& store, const Clock& clock, Random& random, Log& log,
              crypto::SealingKey key, VaultOptions options, Environment environment,
              MetadataFetch fetch)
      : store_(store),
        clock_(clock),
        random_(random),
        log_(log),
        key_(std::move(key)),
        options_(std::move(options)),
        environment_(std::move(environment)),
        fetch_(std::move(fetch)) {}

  Result<void> seal(store::Transaction& transaction, const Credentials& credentials) override {
    TRY_VOID(make_credentials(credentials.access_key_id, credentials.secret_access_key.view(),
                              credentials.session_token.view(), credentials.expiry));
    store::Blob box{to_box(credentials, key_, options_.name, random_)};
    TRY_VOID(transaction.execute(
        "INSERT INTO vault_credentials (name, box, sealed_at) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (name) DO UPDATE SET box = ?2, sealed_at = ?3",
        {options_.name, std::move(box), to_micros(clock_.now())}));
    return {};
  }

  Result<void> refresh() override {
    const std::scoped_lock one_at_a_time(refresh_mutex_);
    if (is_fresh()) return {};
    std::string tried;
    for (const Source source : options_.sources) {
      auto found = read(source);
      if (found && found->expiry && *found->expiry <= clock_.now()) {
        found = fail(Code::kUnavailable, "expired at {}", format_time(*found->expiry));
      }
      if (found) {
        adopt(source, std::move(*found));
        return {};
      }
      if (!tried.empty()) tried += "; ";
      tried += fmt::format("{}: {}", to_string(source), found.error().message);
    }
    log_.warning("vault.refresh_failed", {{"vault", options_.name}, {"tried", tried}});
    return fail(Code::kUnavailable, "no upstream credentials for `{}`; tried {}", options_.name,
                tried.empty() ? "nothing: no source is configured" : tried);
  }

  Result<std::shared_ptr<const Signer>> signer() const override {
    const std::scoped_lock lock(mutex_);
    if (signer_ == nullptr) {
      return fail(
          Code::kUnavailable,
          "no upstream credentials for `{}`; seal some with `keyturn init` or configure a source",
          options_.name);
    }
    if (expiry_ && *expiry_ <= clock_.now()) {
      return fail(Code::kUnavailable, "the upstream credentials for `{}` expired at {}",
                  options_.name, format_time(*expiry_));
    }
    return signer_;
  }

  std::string describe() const override {
    const std::scoped_lock lock(mutex_);
    if (signer_ == nullptr) return fmt::format("`{}`: none", options_.name);
    return fmt::format(
        "`{}`: {} from {}, {}", options_.name, signer_->access_key_id(), to_string(source_),
        expiry_ ? "expires " + format_time(*expiry_) : std::string("does not expire"));
  }

 private:
  // Sealed credentials may have been replaced meanwhile; the others are good until they near their
  // end.
  bool is_fresh() const {
    const std::scoped_lock lock(mutex_);
    if (signer_ == nullptr) return false;
    if (expiry_ && *expiry_ - clock_.now() <= kRefreshBefore) return false;
    return source_ != Source::kSealed;
  }

  void adopt(Source source, Credentials credentials) {
    const std::scoped_lock lock(mutex_);
    const bool same = signer_ != nullptr && source == source_ && expiry_ == credentials.expiry &&
                      signer_->access_key_id() == credentials.access_key_id &&
                      secret_digest_ == digest_of(credentials);
    if (same) return;
    secret_digest_ = digest_of(credentials);
    source_ = source;
    expiry_ = credentials.expiry;
    signer_ = make_signer(std::move(credentials));
    log_.info("vault.refreshed",
              {{"vault", options_.name},
               {"source", std::string(to_string(source))},
               {"access_key_id", signer_->access_key_id()},
               {"expires", expiry_ ? format_time(*expiry_) : std::string("never")}});
  }

  // Tells whether two sets are the same without keeping a second copy.
  static Digest digest_of(const Credentials& credentials) {
    return crypto::hmac_sha256(credentials.secret_access_key.view(),
                               credentials.session_token.view());
  }

  Result<Credentials> read(Source source) {
    switch (source) {
      case Source::kSealed:
        return read_sealed();
      case Source::kEnvironment:
        return read_environment();
      case Source::kProfile:
        return read_profile(find_place(environment_, options_.home, options_.profile),
                            ProcessLimits{}, clock_);
      case Source::kContainer:
        return read_container(environment_, fetch_);
      case Source::kInstance:
        return read_instance(environment_, fetch_);
    }
    return fail(Code::kInternal, "no such source");
  }

  Result<Credentials> read_sealed() {
    std::optional<std::string> box;
    TRY_VOID(store_.read([&](store::Transaction& transaction) -> Result<void> {
      TRY(const auto rows,
          transaction.query("SELECT box FROM vault_credentials WHERE name = ?1", {options_.name}));
      if (!rows.empty()) box = rows[0].blob(0);
      return {};
    }));
    if (!box) return fail(Code::kNotFound, "nothing is sealed under `{}`", options_.name);
    TRY(const auto opened, context(key_.open(*box, label_of(options_.name)),
                                   "the sealed credentials cannot be opened with this key"));
    return read_credentials_json(opened.view(), "SessionToken");
  }

  Result<Credentials> read_environment() {
    auto id = environment_("AWS_ACCESS_KEY_ID");
    if (!id || id->empty()) return fail(Code::kNotFound, "AWS_ACCESS_KEY_ID is not set");
    std::string secret = environment_("AWS_SECRET_ACCESS_KEY").value_or("");
    std::string token = environment_("AWS_SESSION_TOKEN").value_or("");
    auto made = make_credentials(std::move(*id), secret, token, std::nullopt);
    crypto::wipe(secret);
    crypto::wipe(token);
    return made;
  }

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  Log& log_;
  const crypto::SealingKey key_;
  const VaultOptions options_;
  const Environment environment_;
  const MetadataFetch fetch_;

  std::mutex refresh_mutex_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Signer> signer_;  // swapped whole; requests under way keep theirs
  Source source_ = Source::kSealed;
  std::optional<Time> expiry_;
  Digest secret_digest_;
};

}  // namespace

std::string_view to_string(Source source) {
  for (const auto& [value, name] : kSourceNames) {
    if (value == source) return name;
  }
  return "unknown";
}

Result<Source> parse_source(std::string_view text) {
  for (const auto& [value, name] : kSourceNames) {
    if (name == text) return value;
  }
  return fail(
      Code::kInvalid,
      "unknown credential source `{}`; use sealed, environment, profile, container or instance",
      printable(text, 64));
}

Result<void> Vault::prepare(store::Store& store) {
  const std::string_view bytes = store.engine() == store::Engine::kPostgres ? "BYTEA" : "BLOB";
  const std::vector<store::Migration> migrations = {
      {.number = 1,
       .statements = {fmt::format("CREATE TABLE vault_credentials (name TEXT PRIMARY KEY, "
                                  "box {} NOT NULL, sealed_at BIGINT NOT NULL)",
                                  bytes)}}};
  return store.migrate("vault", migrations);
}

Result<std::unique_ptr<Vault>> Vault::open(store::Store& store, const Clock& clock, Random& random,
                                           Log& log, const crypto::SealingKey& key,
                                           VaultOptions options, Environment environment,
                                           MetadataFetch fetch) {
  TRY_VOID(context(check_handle(options.name), "name of the vault"));
  TRY_VOID(prepare(store));
  return std::make_unique<StoredVault>(store, clock, random, log, key.clone(), std::move(options),
                                       std::move(environment), std::move(fetch));
}

}  // namespace keyturn::vault
