/**
 * A host beside the box that speaks mDNS, described by JSON in the first argument: asks for a name and writes what comes
 * back as JSON, or {} when nothing does; or claims a name for itself, until it is killed.
 */
import type { RecordType } from 'dns-packet';
import multicastDns from 'multicast-dns';

export interface MdnsPeer {
  /** Its own address. */
  own: string;
  name: string;
  /** What it asks for; left out: it claims the name. */
  type?: RecordType;
  /** From a port of its own, as a resolver that knows nothing of multicast. */
  isLegacy?: boolean;
}

const TIMEOUT_MS = 2_000;

const { own, name, type, isLegacy = false } = JSON.parse(process.argv[2] ?? '') as MdnsPeer;
const socket = multicastDns({ interface: own, bind: '0.0.0.0', loopback: false, ...(isLegacy && { port: 0 }) });

function finish(found: object): void {
  console.log(JSON.stringify(found));
  process.exit(0);
}

if (type === undefined) {
  socket.once('ready', () => {
    socket.respond([{ name, type: 'A', ttl: 120, data: own }], () => console.log('claimed'));
  });
} else {
  socket.on('response', (response) => {
    if ([...response.answers, ...response.additionals].some((one) => one.name === name)) finish(response);
  });
  // Without a port of mDNS it has no socket that hears before it has sent.
  if (isLegacy) socket.query({ id: 4711, questions: [{ name, type }] }, { port: 5353, address: '224.0.0.251' });
  else socket.once('ready', () => socket.query([{ name, type }]));
  setTimeout(() => finish({}), TIMEOUT_MS);
}
