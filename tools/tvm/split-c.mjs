// Splits wasm2c's one huge C file into translation units that compile in parallel in bounded memory, and
// arms every function with a stack check.
//
// The generated file is: macros and function types, function prototypes, globals and data, function
// bodies, then instantiation. Shared parts go to emu_int.h, bodies to emu_NN.c, the rest to emu_main.c.

const kProto = /^static (void|u32|u64|f32|f64) w2c_/;
const kBody = /^static (void|u32|u64|f32|f64) w2c_.*\{$/;

/// wasm2c's own depth counter is a global and is lost when an exception unwinds; the address of a frame
/// and the module's stack pointer need no bookkeeping. Both limits are fields of the instance.
const kStackCheck = `#undef FUNC_PROLOGUE
#undef FUNC_EPILOGUE
#define FUNC_PROLOGUE                                                              \\
  if (UNLIKELY((uintptr_t)__builtin_frame_address(0) < instance->native_stack_limit || \\
               instance->w2c_g0 < instance->shadow_stack_limit))                   \\
    TRAP(EXHAUSTION);
#define FUNC_EPILOGUE
`;

function find(lines, what, test, from = 0) {
  for (let i = from; i < lines.length; i++) if (test(lines[i])) return i;
  throw new Error(`wasm2c's output has no ${what}: is this wabt 1.0.32?`);
}

/** Adds the stack limits to the instance. @param {string} header emu.h */
export function patchHeader(header) {
  const patched = header.replace(
    /^( {2}u32 w2c_g0;)$/m,
    '  uintptr_t native_stack_limit;\n  u32 shadow_stack_limit;\n$1',
  );
  if (patched === header) throw new Error("emu.h has no stack pointer 'w2c_g0'");
  return patched;
}

/**
 * @param {string[]} lines wasm2c's C file
 * @param {number} units how many translation units for the bodies, at most
 * @returns {Map<string, string>} file name -> text
 */
export function splitC(lines, units) {
  const iTypes = find(lines, 'function types', (l) => l.startsWith('static bool s_module_initialized'));
  const iProto = find(lines, 'prototypes', (l) => kProto.test(l));
  const iGlobals = find(lines, 'globals', (l) => l.startsWith('static void init_globals'));
  const iBody = find(lines, 'bodies', (l) => kBody.test(l), iGlobals);
  let iEnd = iBody;
  for (let i = iBody; i < lines.length; i++) if (kBody.test(lines[i])) iEnd = i;
  iEnd = find(lines, 'end of the last body', (l) => l === '}', iEnd) + 1;

  const shared = (l) => (kProto.test(l) ? l.slice('static '.length) : l);
  const types = lines.slice(iTypes, iProto);
  const typeCount = /func_types\[(\d+)\]/.exec(types[find(types, 'func_types', (l) => l.startsWith('static u32 func_types'))])[1];
  const files = new Map();
  files.set(
    'emu_int.h',
    ['#pragma once', ...lines.slice(0, iTypes), kStackCheck, `extern u32 func_types[${typeCount}];`, ...lines.slice(iProto, iGlobals).map(shared)].join('\n'),
  );
  files.set(
    'emu_main.c',
    ['#include "emu_int.h"', ...types.map((l) => l.replace('static u32 func_types', 'u32 func_types')), ...lines.slice(iGlobals, iBody), ...lines.slice(iEnd)].join('\n'),
  );

  const perUnit = Math.ceil((iEnd - iBody) / units);
  let unit = [];
  let count = 0;
  const flush = () => {
    if (unit.length === 0) return;
    files.set(`emu_${String(count++).padStart(2, '0')}.c`, '#include "emu_int.h"\n' + unit.join('\n') + '\n');
    unit = [];
  };
  for (const line of lines.slice(iBody, iEnd)) {
    if (unit.length >= perUnit && kBody.test(line)) flush();
    unit.push(shared(line));
  }
  flush();
  return files;
}
