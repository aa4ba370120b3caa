// Precompiled for the rooms that hold sockets.
#pragma once
#include "pch_std.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
