// Rewrites the atomic instructions of a module in wat text into plain ones.
//
// wasm2c 1.0.32 has no atomics. The module's memory is not shared, so nothing can come between a load and
// a store: plain instructions mean the same. A read-modify-write becomes a call of a small helper function
// (address, operand, offset) -> old value, appended after the last function.

const kAtomic =
  /^(\s*)(i32|i64)\.atomic\.(load|store|rmw\.(add|sub|or|and|xor))((?: offset=\d+)?(?: align=\d+)?)(\)*)$/;

function helperText(type, op) {
  return (
    `  (func (param i32 ${type} i32) (result ${type}) (local ${type}) ` +
    `local.get 0 local.get 2 i32.add local.tee 0 ${type}.load local.set 3 ` +
    `local.get 0 local.get 3 local.get 1 ${type}.${op} ${type}.store local.get 3)`
  );
}

/** @param {string[]} lines a module as wasm2wat prints it @returns {string[]} */
export function lowerAtomics(lines) {
  let functions = 0;
  for (const line of lines) {
    const m = /^ {2}\(func \(;(\d+);\)/.exec(line);
    if (m) functions = Number(m[1]) + 1;
  }
  const helpers = new Map(); // "i32 add" -> function index
  const helper = (type, op) => {
    const key = `${type} ${op}`;
    if (!helpers.has(key)) helpers.set(key, functions + helpers.size);
    return helpers.get(key);
  };

  const out = [];
  for (const line of lines) {
    const m = kAtomic.exec(line);
    if (m) {
      const [, indent, type, kind, op, memarg, close] = m;
      if (op) {
        const offset = /offset=(\d+)/.exec(memarg)?.[1] ?? '0';
        out.push(`${indent}i32.const ${offset}`, `${indent}call ${helper(type, op)}${close}`);
      } else {
        out.push(`${indent}${type}.${kind}${memarg}${close}`);
      }
      continue;
    }
    if (/\.atomic\./.test(line)) throw new Error(`atomic instruction without a plain form: ${line.trim()}`);
    if (/^ {2}\(table/.test(line)) {
      for (const key of helpers.keys()) out.push(helperText(...key.split(' ')));
    }
    out.push(line);
  }
  return out;
}
