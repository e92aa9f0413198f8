// One SSL_CTX per role, shared by all loops: OpenSSL 3.0 contends on locks when contexts are made
// often. TLS 1.2 and 1.3, sessions resumed, no renegotiation. A context is immutable after it was
// made and may be used from any thread.
#pragma once

#include <memory>
#include <string>

#include "http/http.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_session_st SSL_SESSION;

namespace keyturn::http {

class TlsContext {
 public:
  // Errors: kInvalid names the file.
  static Result<std::shared_ptr<TlsContext>> server(const TlsFiles& files);
  // Trusts `ca_file`, or the system's certificates when it is empty.
  static Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file);
  // Takes the context over.
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* native() const { return context_; }

 private:
  SSL_CTX* context_;
};

struct FreeSession {
  void operator()(SSL_SESSION* session) const;
};
// A session that a later handshake with the same origin may resume.
using TlsSession = std::unique_ptr<SSL_SESSION, FreeSession>;

// What OpenSSL last complained about on this thread, for error messages.
std::string tls_error();

}  // namespace keyturn::http
