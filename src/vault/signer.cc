#include "vault/signer.h"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace keyturn::vault {
namespace {

class KeySigner final : public Signer {
 public:
  explicit KeySigner(Credentials credentials) : credentials_(std::move(credentials)) {}

  const std::string& access_key_id() const override { return credentials_.access_key_id; }
  std::string_view session_token() const override { return credentials_.session_token.view(); }

  std::string sign(std::string_view date, std::string_view region, std::string_view service,
                   std::string_view string_to_sign) const override {
    const auto key = signing_key(date, region, service);
    return crypto::hmac_sha256(key->view(), string_to_sign).hex();
  }
  std::string sign_v4a(std::string_view string_to_sign) const override {
    return hex_encode(crypto::sigv4a_sign(credentials_.access_key_id,
                                          credentials_.secret_access_key.view(), string_to_sign));
  }

 private:
  std::shared_ptr<const crypto::Secret> signing_key(std::string_view date, std::string_view region,
                                                    std::string_view service) const {
    std::string name = fmt::format("{}/{}/{}", date, region, service);
    const std::scoped_lock lock(mutex_);
    if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
    auto key = std::make_shared<const crypto::Secret>(
        crypto::sigv4_signing_key(credentials_.secret_access_key.view(), date, region, service));
    if (order_.size() >= kSigningKeysMax) {
      keys_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(name);
    keys_.emplace(std::move(name), key);
    return key;
  }

  const Credentials credentials_;
  mutable std::mutex mutex_;
  // Shared with a signature that is being made while its key is forgotten.
  mutable std::unordered_map<std::string, std::shared_ptr<const crypto::Secret>> keys_;
  mutable std::deque<std::string> order_;
};

}  // namespace

std::shared_ptr<const Signer> make_signer(Credentials credentials) {
  return std::make_shared<const KeySigner>(std::move(credentials));
}

}  // namespace keyturn::vault
