// A Cocoon network for a test: real processes started by `cocoon up` in a directory and on ports of its own.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const cocoon = process.env.COCOON ?? join(root, 'build/release/bin/cocoon');

// Waits for a condition by asking again; what it waits for is in the error.
export async function until(what, condition, { seconds = 60, every = 100 } = {}) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

export async function getJson(url) {
  const reply = await fetch(url);
  return { status: reply.status, body: await reply.json() };
}

export class Network {
  constructor({ portBase, args = [], state = mkdtempSync(join(tmpdir(), 'cocoon-e2e-')) }) {
    this.portBase = portBase;
    this.args = args;
    this.state = state;
    this.output = '';
  }

  get api() { return `http://127.0.0.1:${this.portBase}`; }
  get proxy() { return `http://127.0.0.1:${this.portBase + 1000}`; }
  worker(i = 0) { return `http://127.0.0.1:${this.portBase + 2000 + i}`; }

  // Resolves when the whole network is ready to answer and to be paid.
  async start() {
    this.process = spawn(cocoon, ['up', '--state', this.state, '--port-base', String(this.portBase), ...this.args],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve({ code, signal })));
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on('data', (data) => { this.output += data; });
    let ended;
    this.exited.then((e) => { ended = e; });
    await until('the network is up', () => {
      if (ended) throw new Error(`cocoon up ended: ${JSON.stringify(ended)}\n${this.output}\n${this.logs()}`);
      return this.output.includes('Your Cocoon network is up');
    }, { seconds: 180 });
    return this;
  }

  // Process ids of a node by its name ("proxy", "worker-1"), found by its configuration file.
  pidsOf(name) {
    const wanted = join(this.state, `${name}.toml`);
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(wanted);
      } catch {
        return false;  // it ended while we looked
      }
    });
  }

  kill(name, signal = 'SIGKILL') {
    const pids = this.pidsOf(name);
    if (pids.length === 0) throw new Error(`${name} does not run`);
    for (const pid of pids) process.kill(pid, signal);
    return pids;
  }

  async restarted(name, oldPids) {
    await until(`${name} runs again`, () => {
      const now = this.pidsOf(name);
      return now.length > 0 && now.every((pid) => !oldPids.includes(pid));
    });
  }

  async healthy() {
    await until('the client is ready', async () => {
      try {
        return (await fetch(`${this.api}/health`)).ok;
      } catch {
        return false;
      }
    });
  }

  chat(body, options = {}) {
    return fetch(`${this.api}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...options,
    });
  }

  // Ctrl-C, and what became of it.
  async stop() {
    if (!this.process) return undefined;
    this.process.kill('SIGINT');
    const end = await this.exited;
    this.process = undefined;
    return end;
  }

  logs() {
    try {
      return readdirSync(join(this.state, 'log'))
        .map((file) => `--- ${file}\n${readFileSync(join(this.state, 'log', file), 'utf8').split('\n').slice(-15).join('\n')}`)
        .join('\n');
    } catch {
      return '';
    }
  }

  async destroy() {
    // Clients of somebody else may leave timers behind that would keep the test program alive.
    setTimeout(() => process.exit(), 30_000).unref();
    await this.stop();
    rmSync(this.state, { recursive: true, force: true });
  }
}

// Runs the command to its end.
export function run(args, options = {}) {
  return execFileSync(cocoon, args, { encoding: 'utf8', timeout: 240_000, ...options });
}

export const ask = (content, more = {}) => ({ model: 'tinychat', max_tokens: 48, messages: [{ role: 'user', content }], ...more });
