// Boost.JSON compiled into the library: a program that links it needs no Boost.
#include <boost/json/src.hpp>
