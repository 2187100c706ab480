/**
 * How many packets a second pass, and what one costs, in each form that L2TP has on the wire: one call between two of our
 * boxes, packets of 64 octets of UDP payload from the office to the user, as fast as one iperf3 sends. Measures and
 * counts; prints nothing.
 */
import { Appliance } from '../interop/appliance.js';
import { profile, up } from '../interop/branch.js';
import { idle, startLns } from '../interop/lns.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { processorTime_ms } from './processor.js';

export type Encapsulation = 'udp2' | 'udp3' | 'ip';
const ENCAPSULATIONS: readonly Encapsulation[] = ['udp2', 'udp3', 'ip'];
const PAYLOAD_BYTES = 64;
const DURATION_S = 3;
const RUN_TIMEOUT_MS = 30_000;

export interface PacketRound {
  /** Packets that reached the user, in a second. */
  rate: number;
  /** Of those that the LNS sent, how many did not. */
  lost: number;
  /** The LNS's processor time for a packet that it sent. */
  processor_us: number;
}

/** As many rounds as asked for; each measures every form, another one first each time. */
export async function packetRounds(rounds: number): Promise<Record<Encapsulation, PacketRound[]>> {
  const sites = await layThreeSites();
  const all: Record<Encapsulation, PacketRound[]> = { udp2: [], udp3: [], ip: [] };
  try {
    const lns = await startLns(sites);
    const branch = await Appliance.start(sites.lab, sites.user, 'branch');
    for (let round = 0; round < rounds; round++) {
      for (let each = 0; each < ENCAPSULATIONS.length; each++) {
        const encapsulation = ENCAPSULATIONS[(round + each) % ENCAPSULATIONS.length]!;
        all[encapsulation].push(await measure(sites, lns, branch, encapsulation));
      }
    }
  } finally {
    await sites.lab.close();
  }
  return all;
}

async function measure(
  sites: Sites,
  lns: Appliance,
  branch: Appliance,
  encapsulation: Encapsulation,
): Promise<PacketRound> {
  await branch.api.configure(profile({ encapsulation }));
  await up(branch, sites.user, ADDRESS.office);
  const [session] = await lns.api.sessions();
  if (session === undefined) throw new Error('the call is up and the LNS has none');
  const receiver = sites.user.start('iperf3 receiver', ['iperf3', '-s', '-1', '-B', session.address, '--forceflush']);
  await receiver.waitForLine(/listening/, { timeout_ms: RUN_TIMEOUT_MS });
  const before = { counters: session.counters, processor_ms: processorTime_ms(lns.pid) };
  const { stdout } = await sites.office.run(
    ['iperf3', '-c', session.address, '-u', '-l', String(PAYLOAD_BYTES), '-b', '0', '-t', String(DURATION_S), '-J'],
    { timeout_ms: RUN_TIMEOUT_MS },
  );
  const processor_ms = processorTime_ms(lns.pid) - before.processor_ms;
  const [after] = await lns.api.sessions();
  await receiver.stop();
  await branch.api.configure(profile({ encapsulation, enabled: false }));
  await Promise.all([idle(lns), idle(branch)]);
  const sent = (after?.counters.sentPackets ?? 0) - before.counters.sentPackets;
  const { packets, lost_packets, seconds } = (JSON.parse(stdout) as Iperf).end.sum;
  const arrived = packets - lost_packets;
  return { rate: arrived / seconds, lost: sent - arrived, processor_us: (processor_ms * 1000) / sent };
}

/** What is read of iperf3's report: packets that its sender sent, and of them those that its receiver missed. */
interface Iperf {
  end: { sum: { packets: number; lost_packets: number; seconds: number } };
}
