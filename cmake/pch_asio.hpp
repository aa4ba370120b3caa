// Precompiled for the rooms that hold sockets.
#pragma once
#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "pch_std.hpp"
