// The data folder: one process at a time, and a marker file that stays behind when the process did
// not stop by itself.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace keyturn::store {

class Folder {
 public:
  // Creates the folder (mode 0700) when it is missing and locks it with flock(2). kConflict when
  // another process, or another Folder of this one, has it.
  static Result<std::unique_ptr<Folder>> lock(const std::string& path);
  // Owns the open and locked descriptor.
  Folder(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Whether the last user left without mark_clean().
  bool was_left_unclean() const { return unclean_; }
  // Creates a file that only we may read, when it is missing.
  Result<void> create_file(const std::string& name);
  Result<void> mark_in_use();
  Result<void> mark_clean();

 private:
  Result<void> sync() const;

  const std::string path_;
  const int descriptor_;
  bool unclean_ = false;
};

}  // namespace keyturn::store
