#!/usr/bin/env node
// Holds the source to tools/arrows.txt: node tools/check-arrows.mjs [ROOT]
// Prints one line per broken arrow and exits 1, or one line that all is well.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { root as ownRoot } from './files.mjs';

const kImpure = [
  [/\bwall_clock\b/, 'a clock'],
  [/\b(system|steady|high_resolution)_clock\s*::\s*now\b/, 'a clock'],
  [/\b(clock_gettime|gettimeofday|std::time|::time)\s*\(/, 'a clock'],
  [/\bRandom\s*::\s*from_os\b/, 'a random source'],
  [/\b(std::random_device|getrandom|std::rand|::rand)\b/, 'a random source'],
  [/\b(getenv|secure_getenv)\b/, 'the environment'],
  [/\bstd::(thread|jthread|this_thread|mutex|condition_variable|ifstream|ofstream|fstream|filesystem)\b/, 'the operating system'],
];

const wildcard = (text) => new RegExp(`^${text.replace(/[.+]/g, '\\$&').replaceAll('*', '.*')}$`);

export function readArrows(text) {
  const table = { rooms: new Map(), externals: new Map(), everywhere: [] };
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    if (!line) continue;
    const colon = line.indexOf(':');
    if (colon < 0) throw new Error(`arrows.txt: no ':' in "${line}"`);
    const head = line.slice(0, colon).trim().split(/\s+/);
    const words = (part) => (part ?? '').trim().split(/\s+/).filter(Boolean);
    const [left, right] = line.slice(colon + 1).split('|');
    if (head[0] === 'external') {
      const patterns = words(left);
      table.externals.set(head[1], {
        hidden: patterns.includes('hidden'),
        patterns: patterns.filter((word) => word !== 'hidden').map(wildcard),
      });
    } else if (head[0] === 'everywhere') {
      table.everywhere = words(left);
    } else {
      table.rooms.set(head[0], { pure: head.includes('pure'), rooms: words(left), externals: words(right) });
    }
  }
  for (const [room, { rooms, externals }] of table.rooms) {
    for (const name of rooms) {
      if (name !== '*' && !table.rooms.has(name.replace('+', ''))) throw new Error(`arrows.txt: ${room} names an unknown room ${name}`);
    }
    for (const name of externals) {
      if (!table.externals.has(name.replace('+', ''))) throw new Error(`arrows.txt: ${room} names an unknown external ${name}`);
    }
  }
  return table;
}

function sourceFiles(directory, base = directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) return sourceFiles(full, base);
    return /\.(cpp|hpp|c|h)$/.test(entry.name) ? [path.relative(base, full)] : [];
  });
}

// Comments and texts go, line numbers and includes stay.
export function stripped(text) {
  return text
    .split('\n')
    .map((line) => (/^\s*#\s*include\b/.test(line) ? line : line.replace(/"(\\.|[^"\\])*"/g, '""').replace(/\/\/.*/, '')))
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''));
}

const isStandard = (name) => /^[a-z_0-9]+$/.test(name) || /^(errno|math|stdint|stddef|stdlib|string|stdio|time)\.h$/.test(name);
const isTest = (file) => /(_test|_bench|testing)\.(cpp|hpp)$|\/test_\w+\.(cpp|hpp)$|\/testdata\//.test(file);

export function checkArrows(root) {
  const source = path.join(root, 'src');
  const table = readArrows(fs.readFileSync(path.join(root, 'tools/arrows.txt'), 'utf8'));
  const roomNames = [...table.rooms.keys()].sort((a, b) => b.length - a.length);
  // "tee/simulated" names the folder, or the one unit simulated.cpp and simulated.hpp.
  const roomOf = (file) => roomNames.find((name) => file.startsWith(`${name}/`) || file.replace(/(_test)?\.(cpp|hpp)$/, '') === name);
  // A unit with an entry of its own still belongs to its folder's room.
  const folderOf = (file) => roomNames.find((name) => file.startsWith(`${name}/`));
  const externalOf = (header) =>
    [...table.externals].find(([, { patterns }]) => patterns.some((pattern) => pattern.test(header)))?.[0];
  const problems = [];
  const files = new Map();

  for (const file of sourceFiles(source)) {
    const includes = [];
    const lines = stripped(fs.readFileSync(path.join(source, file), 'utf8')).split('\n');
    lines.forEach((line, index) => {
      const match = line.match(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/);
      if (match) includes.push({ quoted: match[1] === '"', name: match[2], line: index + 1 });
    });
    files.set(file, { includes, lines });
  }

  // What of the hidden externals a header drags in, by itself or through others.
  const dragged = new Map();
  const drags = (header) => {
    if (dragged.has(header)) return dragged.get(header);
    const found = new Set();
    dragged.set(header, found);
    for (const include of files.get(header)?.includes ?? []) {
      const inner = resolve(header, include);
      if (inner) for (const name of drags(inner)) found.add(name);
      const external = inner ? undefined : externalOf(include.name);
      if (external && table.externals.get(external).hidden) found.add(external);
    }
    return found;
  };
  const resolve = (from, { quoted, name }) => {
    if (!quoted) return undefined;
    if (files.has(name)) return name;
    const beside = path.normalize(path.join(path.dirname(from), name));
    return files.has(beside) ? beside : undefined;
  };

  for (const [file, { includes, lines }] of files) {
    const at = (line, text) => problems.push(`src/${file}:${line}: ${text}`);
    const room = roomOf(file);
    if (!room) {
      at(1, 'stands in no room of tools/arrows.txt');
      continue;
    }
    const rule = table.rooms.get(room);
    const test = isTest(file);
    // "+name" is for tests.
    const forThis = (names) => names.flatMap((name) => (name[0] !== '+' ? [name] : test ? [name.slice(1)] : []));
    const allowed = forThis([...table.everywhere, ...rule.externals]);
    const rooms = forThis(rule.rooms);
    for (const include of includes) {
      const target = resolve(file, include);
      if (target) {
        const other = folderOf(target);
        if (other === folderOf(file)) continue;
        if (!rooms.includes('*') && !rooms.includes(other)) {
          at(include.line, `${room} may not include ${other} ("${include.name}")`);
        }
        if (isTest(target) && !test) at(include.line, `"${include.name}" is for tests only`);
        if (!test) for (const name of drags(target)) at(include.line, `"${include.name}" shows ${name} to another room`);
      } else if (!isStandard(include.name)) {
        const external = externalOf(include.name);
        // A generated header of the room itself has no file under src/.
        if (include.quoted && !external) at(include.line, `"${include.name}" is in no room and no external of tools/arrows.txt`);
        else if (!external) at(include.line, `<${include.name}> is covered by no external of tools/arrows.txt`);
        else if (!allowed.includes(external)) at(include.line, `${room} may not use ${external} (<${include.name}>)`);
      }
    }
    if (rule.pure && !test) {
      lines.forEach((line, index) => {
        for (const [pattern, what] of kImpure) if (pattern.test(line)) at(index + 1, `${room} is pure: no ${what} here`);
      });
    }
  }
  for (const folder of new Set([...files.keys()].map((file) => file.split('/')[0]))) {
    if (!fs.existsSync(path.join(source, folder, 'README.md'))) problems.push(`src/${folder}: a room has a README.md`);
  }
  return { problems, files: files.size };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = process.argv[2] ?? ownRoot;
  const { problems, files } = checkArrows(root);
  for (const problem of problems) console.log(problem);
  console.log(problems.length ? `${problems.length} broken arrows` : `${files} files keep to tools/arrows.txt`);
  process.exitCode = problems.length ? 1 : 0;
}
