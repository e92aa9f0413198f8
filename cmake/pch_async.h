// Precompiled for the asynchronous rooms: Asio takes seconds to read.
#pragma once
#include "pch.h"

#include <boost/asio.hpp>
