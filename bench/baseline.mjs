// Compares a run with the committed one.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = new URL('baseline.json', import.meta.url);
const tolerance = 0.10;
const higherIsBetter = new Set(['short_ratio', 'stream_ratio', 'connections', 'streams']);

export const readBaseline = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

export function writeBaseline(result) {
  writeFileSync(file, `${JSON.stringify({ ...readBaseline(), ...result }, null, 2)}\n`);
}

// Lines "name  now  baseline  change", with a mark on what got worse by more than a tenth.
export function compare(result, baseline = readBaseline()) {
  const lines = [];
  let worse = 0;
  for (const [name, now] of Object.entries(result)) {
    const then = baseline[name];
    if (typeof then !== 'number') {
      lines.push(`  ${name.padEnd(24)} ${String(now).padStart(12)}   (no baseline)`);
      continue;
    }
    const change = then === 0 ? 0 : (now - then) / Math.abs(then);
    const isWorse = higherIsBetter.has(name) ? change < -tolerance : change > tolerance;
    worse += isWorse ? 1 : 0;
    lines.push(`  ${name.padEnd(24)} ${String(now).padStart(12)} ${String(then).padStart(12)} ${`${(100 * change).toFixed(1)} %`.padStart(10)}${isWorse ? '   WORSE' : ''}`);
  }
  return { lines, worse };
}
