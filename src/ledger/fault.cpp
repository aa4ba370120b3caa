#include "ledger/ledger.hpp"

namespace cocoon::ledger::fault {

const char* advice(int code) {
  switch (code) {
    case rolled_back:
      return "this database is an old copy: put the newest one back; what lies between was promised to others";
    case damaged:
      return "this database is damaged or of another machine: put a whole copy of the newest one back";
    case another_instance:
      return "this database belongs to other parameters, another owner, root or key: check the configuration";
    case gap:
      return "the liteserver does not show the contract's whole history: use one that keeps it";
    case cloned:
      return "another machine runs with these keys: stop one of them, and keep the database of the one that goes on";
    case fresh_database:
      return "this database is new, but the proxy contract has been used: put the database that belongs to it in place";
    default:
      return "";
  }
}

}  // namespace cocoon::ledger::fault
