// `make bench`: what the way client -> proxy -> worker costs, as a ratio to the backend alone in the same run. Everything
// (backend, network, load generator) shares this machine, so only the ratios mean something.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Network, root } from '../tests/e2e/network.mjs';

const seconds = Number(process.env.BENCH_SECONDS ?? 4);
const load = join(root, 'build/release/bin/cocoon_load');
const portBase = 30000;
const clockTicks = 100;  // of /proc/PID/stat, fixed on Linux for user space

const body = (stream) => JSON.stringify({
  model: 'fixture', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }], ...(stream ? { stream: true } : {}),
});

const measure = (port, connections, stream) => JSON.parse(execFileSync(load,
  ['--port', port, '--connections', connections, '--seconds', seconds, '--body', body(stream)], { encoding: 'utf8' }));

// Microseconds of CPU a process has used.
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / clockTicks);
}
const residentKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

const network = new Network({ portBase, args: ['--fixture-engine', '--model-name', 'fixture'] });
await network.start();
try {
  const nodes = Object.fromEntries(['client', 'proxy', 'worker-1', 'engine', 'devnet'].map((n) => [n, network.pidsOf(n)[0]]));
  const rest = Object.fromEntries(Object.entries(nodes).map(([n, pid]) => [n, residentKb(pid)]));
  const rows = [];
  measure(portBase, 4, false);  // warm
  for (const [name, stream] of [['short', false], ['50 chunks', true]]) {
    for (const connections of [1, 30]) {
      const alone = measure(portBase + 3000, connections, stream);
      const before = Object.fromEntries(Object.entries(nodes).map(([n, pid]) => [n, cpu(pid)]));
      const through = measure(portBase, connections, stream);
      const perRequest = Object.fromEntries(Object.entries(nodes).map(([n, pid]) =>
        [n, (cpu(pid) - before[n]) / through.requests]));
      rows.push({ name, connections, alone, through, perRequest });
      if (through.errors > 0 || alone.errors > 0) throw new Error(`errors: ${JSON.stringify({ alone, through })}`);
    }
  }
  console.log('\nanswers     conns   backend/s   network/s   ratio   added p50 ms   added p99 ms   CPU us per request: client proxy worker');
  for (const { name, connections, alone, through, perRequest } of rows)
    console.log([name.padEnd(11), String(connections).padStart(5), alone.per_second.toFixed(0).padStart(11),
      through.per_second.toFixed(0).padStart(11), (through.per_second / alone.per_second).toFixed(3).padStart(7),
      (through.p50_ms - alone.p50_ms).toFixed(3).padStart(14), (through.p99_ms - alone.p99_ms).toFixed(3).padStart(14),
      [perRequest.client, perRequest.proxy, perRequest['worker-1']].map((v) => v.toFixed(0).padStart(7)).join(''),
    ].join(' '));
  const after = Object.fromEntries(Object.entries(nodes).map(([n, pid]) => [n, residentKb(pid)]));
  console.log('\nresident MB  ' + Object.keys(nodes).map((n) => `${n} ${(rest[n] / 1024).toFixed(1)} -> ${(after[n] / 1024).toFixed(1)}`).join(',  '));
  const row = (n, c) => rows.find((r) => r.name === n && r.connections === c);
  const short = row('short', 30);
  const one = row('short', 1);
  const stream = row('50 chunks', 30);
  const threeNodes = (r) => r.perRequest.client + r.perRequest.proxy + r.perRequest['worker-1'];
  console.log(`\nbench: short_ratio=${(short.through.per_second / short.alone.per_second).toFixed(3)} `
    + `stream_ratio=${(stream.through.per_second / stream.alone.per_second).toFixed(3)} `
    + `added_p50_ms=${(one.through.p50_ms - one.alone.p50_ms).toFixed(3)} added_p99_ms=${(one.through.p99_ms - one.alone.p99_ms).toFixed(3)} `
    + `cpu_ms=${(threeNodes(short) / 1000).toFixed(3)} chunk_us=${((threeNodes(stream) - threeNodes(short)) / 50 / 3).toFixed(2)}`);
} finally {
  await network.destroy();
}
