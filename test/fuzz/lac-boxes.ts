/**
 * The LAC and the LNS behind it as fuzz targets: an input is all that a PC and the LNS send to the LAC, or the LAC to the
 * LNS, proxy AVPs and all; the seeds are whole calls of our own. Nothing may throw for it.
 *
 * A record of the LAC's input begins with where it comes from: | 0 the LNS, 1 the PC (8) | packet, or frame |.
 */
import type { LacConfig } from '../../firmware/roles/lac.js';
import type { TunnelChoice } from '../../firmware/roles/role.js';
import { Pc, type PcPlan } from '../simulation/pc.js';
import { readPppoeFrame } from '../simulation/pppoe-frames.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { CLIENT, ENDPOINT, LNS } from '../unit/roles/pair.js';
import { Box, type BoxKind, CLIENT_ADDRESS, LNS_ADDRESS } from './box.js';
import type { FuzzTarget } from './fuzzer.js';
import { type Party, record, replay } from './machines.js';

const [FROM_LNS, FROM_PC] = [0, 1];
const INTERFACE = 3;
const LAC_MAC = '02:00:5e:00:53:02';
/** When the PC has had its rest. */
const PC_BEGINS_MS = 10_000;

const LAC: LacConfig = {
  concentrator: {
    interfaces: [{ index: INTERFACE, mac: LAC_MAC, mtu_bytes: 1500 }],
    ...{ acName: 'lac', serviceNames: [], servesAnyName: true },
    ...{ maxSessions: 8, maxSessionsPerInterface: 8, maxSessionsPerMac: 4 },
    offers: { perMac_per_s: 50, perInterface_per_s: 50 },
    requests: { perMac_per_s: 50, perInterface_per_s: 50 },
  },
  interfaceNames: new Map([[INTERFACE, 'eth3']]),
  ...{ authentication: CLIENT.authentication, name: 'lac', mru_bytes: 1400, mssClamp: true, tun: 0, ppp: CLIENT.ppp },
  ...{ localAddress: '10.8.0.1', dns: [], nbns: [], ipv6: true },
  tunnels: { answer_ms: 20_000, dead_ms: 60_000, idle_ms: 30_000, maxSessions: 0, localPort: 1701 },
};

const PC: PcPlan = {
  ...{ name: 'pc', mac: '02:00:5e:00:53:01', lac: 'lac', interfaceIndex: INTERFACE, tags: [] },
  link: {
    ...{ side: 'peer', mru_bytes: 1492, ipv4: true, ipv6: true, ...CLIENT.ppp },
    peer: { name: CLIENT.userName, password: CLIENT.password, allow: ['mschapv2', 'chap-md5', 'pap'] },
  },
  answersStrangers: true,
  goal: { type: 'up', at: 'lns' },
};

type Protocol = LacConfig['authentication'][number];

function choiceOf({ encapsulation, secret }: BoxKind): TunnelChoice {
  return {
    ...{ preference: 1, server: 'lns.example', localAddress: CLIENT_ADDRESS, port: 1701, encapsulation, secret },
    ...{ digest: 'sha1', assignmentId: '', hostName: '', peerHostName: '', cookie_bytes: 8, sequencing: true },
  };
}

/** `isCarrying`: calls go to the LNS; otherwise they end at the LAC. */
function lacBox(kind: BoxKind, protocol: Protocol, isCarrying: boolean): Box {
  const lac: LacConfig = { ...LAC, authentication: [protocol] };
  const roles = { lns: undefined, lac, lacClients: [], pseudowires: [], accountingPrefix: '' };
  const tunnels = isCarrying ? [choiceOf(kind)] : [];
  return new Box({ endpoint: ENDPOINT, ...roles }, kind, 2, CLIENT_ADDRESS, LNS_ADDRESS, tunnels);
}

function lnsBox(kind: BoxKind): Box {
  const roles = { lns: LNS, lac: undefined, lacClients: [], pseudowires: [], accountingPrefix: '' };
  return new Box({ endpoint: ENDPOINT, ...roles }, kind, 1, LNS_ADDRESS, CLIENT_ADDRESS);
}

/** A LAC as one side of a conversation, of which the PC and the LNS are the other. */
function lacParty(box: Box): Party {
  return {
    receive: (packet, now_ms) => {
      if (packet[0] === FROM_PC) box.receiveFrame(INTERFACE, packet.slice(1), now_ms);
      else box.receive(packet.slice(1), now_ms);
    },
    send: (now_ms) => [
      ...box.send(now_ms).map((packet) => marked(FROM_LNS, packet)),
      ...box.sendFrames().map((frame) => marked(FROM_PC, frame)),
    ],
    nextTimeout_ms: () => box.nextTimeout_ms(),
    handleTimeout: (now_ms) => box.handleTimeout(now_ms),
  };
}

/** The PC, and behind the LAC the LNS where there is one. */
function outsideParty(lns: Box | undefined): Party {
  const sent: Uint8Array[] = [];
  const observer = {
    send: (_pc: Pc, frame: Uint8Array) => void sent.push(marked(FROM_PC, frame)),
    tell: () => undefined,
    userPacket: () => undefined,
  };
  const pc = new Pc(PC, new SeededRandom(4), observer);
  pc.switchOn(0);
  pc.handleTimeout(PC_BEGINS_MS);
  return {
    receive: (packet, now_ms) => {
      const frame = packet[0] === FROM_PC ? readPppoeFrame(packet.slice(1)) : undefined;
      if (frame !== undefined) pc.receive(frame, now_ms);
      else if (packet[0] === FROM_LNS) lns?.receive(packet.slice(1), now_ms);
    },
    send: (now_ms) => [...sent.splice(0), ...(lns?.send(now_ms) ?? []).map((packet) => marked(FROM_LNS, packet))],
    nextTimeout_ms: () => undefined,
    handleTimeout: () => undefined,
  };
}

/** The LAC with its PC, as the LNS sees it. */
function accessParty(lac: Box): Party {
  const atLac = lacParty(lac);
  const pc = outsideParty(undefined);
  return {
    ...atLac,
    receive: (packet, now_ms) => atLac.receive(marked(FROM_LNS, packet), now_ms),
    send: (now_ms) => {
      const packets: Uint8Array[] = [];
      for (let isBusy = true; isBusy; ) {
        const fromPc = pc.send(now_ms);
        const fromLac = atLac.send(now_ms);
        isBusy = fromPc.length + fromLac.length > 0;
        for (const frame of fromPc) atLac.receive(frame, now_ms);
        for (const packet of fromLac) {
          if (packet[0] === FROM_PC) pc.receive(packet, now_ms);
          else packets.push(packet.slice(1));
        }
      }
      return packets;
    },
  };
}

function marked(from: number, packet: Uint8Array): Uint8Array {
  return Uint8Array.of(from, ...packet);
}

function lacTarget(name: string, kind: BoxKind, protocol: Protocol, isCarrying: boolean): FuzzTarget {
  const party = () => lacParty(lacBox(kind, protocol, isCarrying));
  const peer = () => outsideParty(isCarrying ? lnsBox(kind) : undefined);
  return { name, seeds: [record(party, peer)], run: (input) => replay(party, input) };
}

function lnsTarget(name: string, kind: BoxKind, protocol: Protocol): FuzzTarget {
  const party = () => lnsBox(kind);
  const peer = () => accessParty(lacBox(kind, protocol, true));
  return { name, seeds: [record(party, peer)], run: (input) => replay(party, input) };
}

const UDP2: BoxKind = { encapsulation: 'udp2', secret: '' };
const IP: BoxKind = { encapsulation: 'ip', secret: 'tunnel secret' };

export const LAC_BOX_TARGETS: readonly FuzzTarget[] = [
  lacTarget('box-lac-udp2', UDP2, 'chap-md5', true),
  lacTarget('box-lac-ip-with-secret', IP, 'mschapv2', true),
  lacTarget('box-lac-alone', UDP2, 'pap', false),
  lnsTarget('box-lns-behind-lac-udp2', UDP2, 'chap-md5'),
  lnsTarget('box-lns-behind-lac-udp2-pap', UDP2, 'pap'),
  lnsTarget('box-lns-behind-lac-ip-with-secret', IP, 'mschapv2'),
];
