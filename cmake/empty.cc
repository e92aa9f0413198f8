// Holds the place of a precompiled header: CMake wants one source per object library.
