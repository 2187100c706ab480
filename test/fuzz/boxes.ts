/**
 * The box as a fuzz target: an input is all that a peer sends, control and data, from its SCCRQ on; the seeds are what our
 * own LAC client and our own LNS sent each other in a whole call, or two ends of a pseudowire. Nothing may throw for it.
 */
import type { PseudowireEnds } from '../../firmware/roles/pseudowires.js';
import { PSEUDOWIRE_TYPE } from '../../firmware/wire/avp.js';
import { CLIENT, ENDPOINT, LNS } from '../unit/roles/pair.js';
import { Box, type BoxKind, CLIENT_ADDRESS, LNS_ADDRESS } from './box.js';
import type { FuzzTarget } from './fuzzer.js';
import { record, replay } from './machines.js';

const called = (kind: BoxKind) => () =>
  new Box(
    { endpoint: ENDPOINT, lns: LNS, lacClients: [], pseudowires: [], lac: undefined, accountingPrefix: '' },
    kind,
    1,
    LNS_ADDRESS,
    CLIENT_ADDRESS,
  );
/** Its first deadline is that of dialling. */
const caller = (kind: BoxKind) => () => {
  const client = { ...CLIENT, encapsulation: kind.encapsulation, tunnelSecret: kind.secret };
  const config = {
    endpoint: ENDPOINT,
    lns: undefined,
    lacClients: [client],
    pseudowires: [],
    lac: undefined,
    accountingPrefix: '',
  };
  return begun(new Box(config, kind, 2, CLIENT_ADDRESS, LNS_ADDRESS));
};

const ETHERNET_ENDPOINT = { ...ENDPOINT, pseudowireTypes: [PSEUDOWIRE_TYPE.ethernet] };
const WIRE = { name: 'lan', pseudowireType: PSEUDOWIRE_TYPE.ethernet, vlanId: 0, tun: 2, mtu_bytes: 1500 };
const NEGOTIATED = { remoteEndId: 'lan', cookie_bytes: 8, sequencing: true };

function wireBox(kind: BoxKind, ends: PseudowireEnds, seed: number, address: string, peerAddress: string): Box {
  const config = {
    endpoint: ETHERNET_ENDPOINT,
    lns: undefined,
    lacClients: [],
    pseudowires: [{ ...WIRE, ends }],
    lac: undefined,
    accountingPrefix: '',
  };
  return begun(new Box(config, kind, seed, address, peerAddress));
}
const listening = (kind: BoxKind) => () =>
  wireBox(kind, { mode: 'listen', peerAddress: '', ...NEGOTIATED }, 1, LNS_ADDRESS, CLIENT_ADDRESS);
const dialling = (kind: BoxKind) => () => {
  const { server, port, localPort, digest, redialInitial_ms, redialCap_ms } = CLIENT;
  const dial = {
    name: WIRE.name,
    server,
    port,
    localPort,
    digest,
    redialInitial_ms,
    redialCap_ms,
    tunnelSecret: kind.secret,
  };
  const ends = { mode: 'dial', ...dial, encapsulation: kind.encapsulation, ...NEGOTIATED } as const;
  return wireBox(kind, ends, 2, CLIENT_ADDRESS, LNS_ADDRESS);
};

function begun(box: Box): Box {
  box.handleTimeout(0);
  return box;
}

type MakeBox = (kind: BoxKind) => () => Box;

function boxTarget(name: string, party: MakeBox, peer: MakeBox, kind: BoxKind): FuzzTarget {
  return { name, seeds: [record(party(kind), peer(kind))], run: (input) => replay(party(kind), input) };
}

/** Both sides of a conversation of each kind. */
const KINDS = {
  udp2: { encapsulation: 'udp2', secret: '' },
  auto: { encapsulation: 'auto', secret: '' },
  udp3: { encapsulation: 'udp3', secret: '' },
  'udp3-with-secret': { encapsulation: 'udp3', secret: 'tunnel secret' },
  ip: { encapsulation: 'ip', secret: '' },
  'ip-with-secret': { encapsulation: 'ip', secret: 'tunnel secret' },
} as const satisfies Record<string, BoxKind>;

export const BOX_TARGETS: readonly FuzzTarget[] = Object.entries(KINDS).flatMap(([name, kind]) => [
  boxTarget(`box-lns-${name}`, called, caller, kind),
  boxTarget(`box-lac-client-${name}`, caller, called, kind),
  ...(kind.encapsulation === 'udp3' || kind.encapsulation === 'ip'
    ? [
        boxTarget(`box-pseudowire-listens-${name}`, listening, dialling, kind),
        boxTarget(`box-pseudowire-dials-${name}`, dialling, listening, kind),
      ]
    : []),
]);
