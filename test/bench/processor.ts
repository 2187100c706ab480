/**
 * What the kernel says of a process: processor time and resident memory; and of a namespace: lost datagrams. Reads
 * alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Namespace } from '../lab/namespaces.js';

/** The unit of times in /proc/<pid>/stat, proc(5): USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
/** Fields of /proc/<pid>/stat behind the name in parentheses, counted from 0: utime, stime, cutime, cstime. */
const FIRST_TIME_FIELD = 11;
const TIME_FIELDS = 4;

/** Of all threads of a process, and of the programs that it started and that have ended, to 10 ms. */
export function processorTime_ms(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(FIRST_TIME_FIELD, FIRST_TIME_FIELD + TIME_FIELDS).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS;
}

/** Of each thread that a process has now, by its ID, in nanoseconds: of one that runs, as of the last tick. */
export function threadTimes_ns(pid: number): Map<string, number> {
  const folder = `/proc/${pid}/task`;
  return new Map(
    readdirSync(folder).map((thread) => [
      thread,
      Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[0]),
    ]),
  );
}

/** What a process has used since threadTimes_ns told `before`: all its threads, and the busiest of them. */
export function usedSince_ns(pid: number, before: ReadonlyMap<string, number>): { all_ns: number; busiest_ns: number } {
  const used_ns = [...threadTimes_ns(pid)].map(([thread, time_ns]) => time_ns - (before.get(thread) ?? 0));
  return { all_ns: used_ns.reduce((sum, each) => sum + each, 0), busiest_ns: Math.max(...used_ns) };
}

export function residentMemory_bytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

/** Datagrams that sockets of the namespace had no room for, since the start. */
export async function lostDatagrams(namespace: Namespace): Promise<number> {
  const { stdout } = await namespace.run(['cat', '/proc/net/snmp', '/proc/net/snmp6']);
  const [names = [], values = []] = stdout
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  const ipv6 = Number(/Udp6RcvbufErrors\s+(\d+)/.exec(stdout)?.[1] ?? 0);
  return Number(values[names.indexOf('RcvbufErrors')]) + ipv6;
}
