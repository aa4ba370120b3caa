// `make bench`: what the way client -> proxy -> worker costs, as a ratio to the backend alone in the same run. Everything
// (backend, network, load generator) shares this machine, so only the ratios mean something.
//
//   BENCH_SECONDS=S      of each measurement (4)
//   bench/run --write    makes this run the baseline
//   bench/run --node-backend   beside a backend that costs as much as Node.js does (node_backend.mjs)
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Network, root, until } from '../tests/e2e/network.mjs';
import { compare, writeBaseline } from './baseline.mjs';
import { holdIdle, holdStreams } from './hold.mjs';
import { countAll, possible, report } from './instructions/run.mjs';
import { cpuMicros, residentKb, switches } from './node_stats.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 4);
const rounds = 3;  // each measurement in so many parts, backend and network in turn: neighbours disturb both alike
const idleConnections = Number(process.env.BENCH_IDLE ?? 10_000);
const streamCount = Number(process.env.BENCH_STREAMS ?? 2_000);
const load = join(root, 'build/release/bin/cocoon_load');
const portBase = Number(process.env.BENCH_PORT_BASE ?? 27000);  // below the ports that outgoing connections get
const nodeBackend = process.argv.includes('--node-backend');
const backendPort = portBase + (nodeBackend ? 3500 : 3000);  // 3000: the fixture engine
const names = ['client', 'proxy', 'worker-1', 'engine', 'devnet'];
const nodeNames = names.slice(0, 3);

const body = (stream) => JSON.stringify({
  model: 'fixture', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }], ...(stream ? { stream: true } : {}),
});
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function measure(port, connections, stream, time = seconds / rounds) {
  const got = JSON.parse(execFileSync(load,
    ['--port', port, '--connections', connections, '--seconds', time, '--body', body(stream)], { encoding: 'utf8' }));
  if (got.errors > 0 || got.requests === 0) throw new Error(`the load saw errors: ${JSON.stringify(got)}`);
  return got;
}

// One row of the table: backend alone and the network, in turn.
function row(pids, name, connections, stream) {
  const alone = [], through = [];
  const used = Object.fromEntries(names.map((n) => [n, { cpu: 0, switches: 0 }]));
  for (let i = 0; i < rounds; ++i) {
    alone.push(measure(backendPort, connections, stream));
    const before = Object.fromEntries(names.map((n) => [n, [cpuMicros(pids[n]), switches(pids[n])]]));
    through.push(measure(portBase, connections, stream));
    for (const n of names) {
      used[n].cpu += cpuMicros(pids[n]) - before[n][0];
      used[n].switches += switches(pids[n]) - before[n][1];
    }
  }
  const requests = through.reduce((sum, t) => sum + t.requests, 0);
  const of = (list, key) => median(list.map((m) => m[key]));
  return {
    name, connections,
    alone: of(alone, 'per_second'), through: of(through, 'per_second'),
    ratio: median(through.map((t, i) => t.per_second / alone[i].per_second)),
    addedP50: of(through, 'p50_ms') - of(alone, 'p50_ms'), addedP99: of(through, 'p99_ms') - of(alone, 'p99_ms'),
    cpu: Object.fromEntries(names.map((n) => [n, used[n].cpu / requests])),
    switches: Object.fromEntries(names.map((n) => [n, used[n].switches / requests])),
  };
}

function printTable(rows) {
  console.log('\nanswers     conns   backend/s   network/s   ratio   added p50 ms   added p99 ms   CPU us per request: client  proxy  worker   switches: client  proxy  worker');
  for (const r of rows)
    console.log([r.name.padEnd(11), String(r.connections).padStart(5), r.alone.toFixed(0).padStart(11),
      r.through.toFixed(0).padStart(11), r.ratio.toFixed(3).padStart(7), r.addedP50.toFixed(3).padStart(14),
      r.addedP99.toFixed(3).padStart(14), ' '.repeat(19) + nodeNames.map((n) => r.cpu[n].toFixed(1).padStart(7)).join(''),
      ' '.repeat(9) + nodeNames.map((n) => r.switches[n].toFixed(2).padStart(7)).join(''),
    ].join(' '));
}

const rss = (pids) => Object.fromEntries(names.map((n) => [n, residentKb(pids[n])]));
const settle = () => new Promise((resolve) => setTimeout(resolve, 500));  // what was freed is counted after a moment

async function heldIdle(pids) {
  const before = rss(pids);
  const held = await holdIdle(portBase, idleConnections);
  await settle();
  const after = rss(pids);
  const open = held.open();
  held.end();
  return { open, clientKb: (after.client - before.client) / idleConnections };
}

async function freshClient(network, pids) {
  const old = network.kill('client', 'SIGTERM');
  await network.restarted('client', old);
  await network.healthy();
  [pids.client] = network.pidsOf('client');
  measure(portBase, 4, false, 1);
}

async function heldStreams(pids) {
  const before = rss(pids);
  const held = await holdStreams(portBase, streamCount, 2000, 'fixture');
  // All of them go on, not only the first or the last.
  const seen = held.chunks();
  await until('every stream brings more', () => held.chunks() - seen >= streamCount, { seconds: 60 });
  const after = rss(pids);
  const running = held.open();
  const failures = held.failures();
  held.end();
  if (failures > 0) throw new Error(`${failures} streams failed`);
  return { running, kb: Object.fromEntries(nodeNames.map((n) => [n, (after[n] - before[n]) / streamCount])) };
}

async function main() {
  let backend = null;
  if (nodeBackend) {
    backend = spawn(process.execPath, [join(root, 'bench/node_backend.mjs'), backendPort], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(backend.stdout, 'data');
  }
  const engine = backend ? ['--engine', `http://127.0.0.1:${backendPort}`] : ['--fixture-engine'];
  const network = new Network({ portBase, args: [...engine, '--model-name', 'fixture'] });
  try {
    await network.start();
    const pids = Object.fromEntries(names.map((n) => [n, network.pidsOf(n)[0]]));
    if (backend) pids.engine = backend.pid;
    const rest = rss(pids);
    measure(portBase, 4, false, 1);  // warm
    const rows = [row(pids, 'short', 1, false), row(pids, 'short', 30, false), row(pids, '50 chunks', 1, true),
      row(pids, '50 chunks', 30, true)];
    printTable(rows);
    if (backend) {
      console.log(`\nbench, Node.js backend: short_ratio=${rows[1].ratio.toFixed(3)} stream_ratio=${rows[3].ratio.toFixed(3)}`);
      return;
    }
    const loaded = rss(pids);
    const idle = await heldIdle(pids);
    await freshClient(network, pids);  // what it holds of the connections that ended would hide what streams need
    const streams = await heldStreams(pids);
    console.log('\nresident MB          ' + names.map((n) => `${n} ${(rest[n] / 1024).toFixed(1)} -> ${(loaded[n] / 1024).toFixed(1)}`).join(',  '));
    console.log(`idle connections     ${idle.open} of ${idleConnections} held, ${idle.clientKb.toFixed(2)} KB each in the client`);
    console.log(`running streams      ${streams.running} of ${streamCount} held, KB each: ${nodeNames.map((n) => `${n} ${streams.kb[n].toFixed(1)}`).join(', ')}`);

    const [one, short, , stream] = rows;
    const threeNodes = (r) => nodeNames.reduce((sum, n) => sum + r.cpu[n], 0);
    const result = {
      short_ratio: +short.ratio.toFixed(3),
      stream_ratio: +stream.ratio.toFixed(3),
      added_p50_ms: +one.addedP50.toFixed(3),
      added_p99_ms: +one.addedP99.toFixed(3),
      cpu_ms: +(threeNodes(short) / 1000).toFixed(3),
      chunk_us: +(Math.max(0, threeNodes(stream) - threeNodes(short)) / 50 / 3).toFixed(2),
    };
    const memory = {
      connections: idle.open, streams: streams.running, idle_kb: +idle.clientKb.toFixed(2),
      ...Object.fromEntries(nodeNames.map((n) => [`stream_kb_${n}`, +streams.kb[n].toFixed(1)])),
      ...Object.fromEntries(nodeNames.map((n) => [`rest_mb_${n}`, +(rest[n] / 1024).toFixed(1)])),
    };
    const { lines, worse } = compare({ ...result, ...memory });
    console.log('\n  compared with bench/baseline.json       now     baseline     change');
    for (const line of lines) console.log(line);
    if (worse > 0) console.log(`  ${worse} got more than 10 % worse`);
    const write = process.argv.includes('--write');
    if (write) writeBaseline({ ...result, ...memory });
    if (possible())
      report(countAll(), write);
    else
      console.log('\n  instructions: not counted, valgrind is not installed');
    console.log(`\nbench: ${Object.entries(result).map(([k, v]) => `${k}=${v}`).join(' ')}`);
  } finally {
    backend?.kill();
    await network.destroy();
  }
}

await main();
