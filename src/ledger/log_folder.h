// The folder that holds a log's files. A file appears whole or not at all (written aside, synced,
// renamed), so that a reader never meets half of one, whatever crashes. One writer at a time;
// readers need no permission of it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyturn::ledger {

inline constexpr const char* kCheckpointFile = "checkpoint";
inline constexpr const char* kWitnessedFile = "checkpoint.witnessed";

class LogFolder {
 public:
  static constexpr std::size_t kFileBytesMax = std::size_t{17} << 20U;  // a bundle of 256 * 64 KiB

  explicit LogFolder(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  // `name` is relative, such as `tile/0/000`. Its folder is made when it is missing. The content is
  // on disk when this returns; the name is after sync(). kExhausted when the disk is full,
  // kUnavailable for every other reason.
  Result<void> write(const std::string& name, std::string_view bytes);
  // Makes the names that were written durable.
  Result<void> sync();
  // kNotFound when there is none; kCorrupt when it is longer than any file of a log.
  Result<std::string> read(const std::string& name) const;
  // The partial files that a full one has replaced.
  void remove_partial(const std::string& full_name);
  // Every file's name, sorted.
  Result<std::vector<std::string>> list() const;

 private:
  Result<void> make_folder(const std::string& folder);

  std::string path_;
  std::set<std::string> unsynced_;  // folders; emptied by sync()
};

}  // namespace keyturn::ledger
