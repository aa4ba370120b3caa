// tools/check-arrows.mjs and check-words.mjs refuse what they are there to refuse.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { checkArrows } from '../../tools/check-arrows.mjs';
import { checkWords } from '../../tools/check-words.mjs';

const kArrows = `
external asio : boost/asio*
external openssl : openssl/* hidden
external posix : unistd.h
everywhere : +asio
base : | posix
core pure : base |
net : base +core | asio openssl
`;

function house(files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'arrows-'));
  const all = { 'tools/arrows.txt': kArrows, 'src/base/README.md': '', 'src/core/README.md': '', 'src/net/README.md': '', ...files };
  for (const [name, text] of Object.entries(all)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

function problemsOf(files) {
  const root = house(files);
  try {
    return checkArrows(root).problems;
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

const kBase = { 'src/base/b.hpp': '#include <string>\n#include <unistd.h>\n' };

test('arrows that go down are fine', () => {
  const files = {
    ...kBase,
    'src/core/c.cpp': '#include "base/b.hpp"\n#include "core/c.hpp"\n',
    'src/core/c.hpp': '// #include "net/n.hpp"\n',
    'src/net/n.cpp': '#include "base/b.hpp"\n#include <boost/asio.hpp>\n#include <openssl/evp.h>\n',
    'src/net/n_test.cpp': '#include "core/c.hpp"\n',
    'src/core/c_test.cpp': '#include <boost/asio.hpp>\nvoid f() { wall_clock(); }\n',
  };
  assert.deepEqual(problemsOf(files), []);
});

for (const [what, files, line] of [
  ['an arrow up', { 'src/net/n.hpp': '', 'src/core/c.cpp': '\n#include "net/n.hpp"\n' }, /^src\/core\/c.cpp:2: core may not include net/],
  ['a forbidden library', { 'src/core/c.cpp': '#include <boost/asio.hpp>\n' }, /core may not use asio/],
  ['an arrow for tests only', { 'src/core/c.hpp': '', 'src/net/n.cpp': '#include "core/c.hpp"\n' }, /net may not include core/],
  ['a library nobody named', { 'src/net/n.cpp': '#include <curl/curl.h>\n' }, /<curl\/curl.h> is covered by no external/],
  ['a clock in a core', { 'src/core/c.cpp': 'auto t = std::chrono::steady_clock::now();\n' }, /core is pure: no a clock/],
  ['randomness in a core', { 'src/core/c.cpp': 'auto r = Random::from_os();\n' }, /core is pure: no a random source/],
  ['a room without an entry', { 'src/attic/a.cpp': '' }, /stands in no room/],
  ['a header that is not there', { 'src/core/c.cpp': '#include "base/gone.hpp"\n' }, /is in no room/],
  [
    'a hidden library shown through two headers',
    {
      'src/net/inner.hpp': '#include <openssl/ssl.h>\n',
      'src/net/n.hpp': '#include "net/inner.hpp"\n',
      'src/base/b.cpp': '#include "net/n.hpp"\n',
    },
    /shows openssl to another room/,
  ],
]) {
  test(`refused: ${what}`, () => {
    const problems = problemsOf(files);
    assert.ok(problems.some((problem) => line.test(problem)), problems.join('\n'));
  });
}

test('words: a host, a machine path and unfinished work are found, with file and line', () => {
  const host = ['https://regis', 'try.npmjs.org/x'].join('');
  const place = ['cd /ho', 'me/me/x'].join('');
  const later = ['// TO', 'DO: later'].join('');
  const root = house({ 'a.txt': `fine\n${host}\n`, 'b.txt': place, 'c.txt': later, 'd.txt': 'network /workers/ rooted\n' });
  try {
    const problems = checkWords(root, ['a.txt', 'b.txt', 'c.txt', 'd.txt']);
    assert.deepEqual(problems.map((problem) => problem.split(':').slice(0, 2).join(':')), ['a.txt:2', 'b.txt:1', 'c.txt:1']);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
