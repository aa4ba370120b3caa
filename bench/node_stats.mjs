// What the kernel says of the nodes' processes.
import { readdirSync, readFileSync } from 'node:fs';

// Microseconds of CPU that all threads of a process have used, from the scheduler's nanoseconds (the ticks of
// /proc/PID/stat are 10 ms long).
export function cpuMicros(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  return sum;
}

export const residentKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// Voluntary and involuntary context switches.
export function switches(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [...text.matchAll(/ctxt_switches:\s+(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
}
