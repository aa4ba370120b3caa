#include "contract_code/contract_code.hpp"

#include "base/assert.hpp"
#include "contract_code/data.hpp"
#include "ton/boc.hpp"

namespace cocoon::contract_code {
namespace {

ton::Cell read(BytesView boc) {
  auto cell = ton::read_boc(boc);
  COCOON_ASSERT(cell.has_value());  // written by our own build
  return *cell;
}

}  // namespace

#define COCOON_CODE(name)                      \
  const ton::Cell& name() {                    \
    static const auto cell = read(data::name); \
    return cell;                               \
  }

COCOON_CODE(root)
COCOON_CODE(proxy)
COCOON_CODE(client)
COCOON_CODE(worker)
COCOON_CODE(wallet)

#undef COCOON_CODE

}  // namespace cocoon::contract_code
