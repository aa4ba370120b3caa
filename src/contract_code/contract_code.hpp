// The compiled code of our own contracts, as built from contracts/ together with this binary.
#pragma once
#include "ton/cell.hpp"

namespace cocoon::contract_code {

// Code cells. On a network that exists the codes come from its root contract; these are for networks of our own, and
// the wallet's for every node.
const ton::Cell& root();
const ton::Cell& proxy();
const ton::Cell& client();
const ton::Cell& worker();
const ton::Cell& wallet();

}  // namespace cocoon::contract_code
