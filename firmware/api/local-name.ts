/**
 * Answers on the LAN for the box's name in `local.`, so that it is found without an address (RFC 6762). Must not choose the
 * name, nor which interfaces are the LAN. Two boxes of one name are not told apart: that is said, and a person renames one.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { Answer } from 'dns-packet';
import multicastDns from 'multicast-dns';
import type { OperatingProblem } from '../control/view.js';
import { networkHolds } from '../settings.js';

/** RFC 6762 section 10: of records that name a host. */
const TTL_S = 120;
/** Section 6.7: towards a resolver that knows nothing of multicast. */
const LEGACY_TTL_S = 10;
const MDNS_PORT = 5353;
/** Of IP. */
const MOST_TTL = 255;
/** Section 8.3: at least two announcements, a second apart. */
const SECOND_ANNOUNCEMENT_MS = 1_000;

/** An interface of the LAN, with addresses and the lengths of their networks, as in '192.168.115.1/24'. */
export interface LanInterface {
  name: string;
  addresses: readonly string[];
}

interface Responder {
  readonly socket: multicastDns.MulticastDNS;
  readonly name: string;
  readonly addresses: readonly string[];
  /** Another host that has the name, and until when that is believed. */
  rival: { address: string; until_ms: number } | undefined;
  failure: string;
}

/** The records of a host: its addresses, and that there are no others (section 6.1). Addresses are without length. */
export function recordsOf(name: string, addresses: readonly string[]): { addresses: Answer[]; rest: Answer } {
  const common = { name, ttl: TTL_S, class: 'IN', flush: true } as const;
  const typeOf = (address: string) => (address.includes(':') ? 'AAAA' : 'A');
  const rrtypes = [...new Set(addresses.map(typeOf))];
  return {
    addresses: addresses.map((data) => ({ ...common, type: typeOf(data), data })),
    rest: { ...common, type: 'NSEC', data: { nextDomain: name, rrtypes } },
  };
}

export class LocalName {
  /** By name and addresses, so that what has changed is another one. */
  readonly #responders = new Map<string, Responder>();

  get problems(): OperatingProblem[] {
    return [...this.#responders.values()].flatMap(({ name, rival, failure }): OperatingProblem[] => {
      if (failure !== '') {
        const what = `the box is not found as ${name}: ${failure}`;
        return [{ what, advice: `end what else uses UDP port ${MDNS_PORT} on this machine` }];
      }
      if (rival === undefined || rival.until_ms < performance.now()) return [];
      const what = `${rival.address} is called ${name} too`;
      return [{ what, advice: 'give one of the two another host name' }];
    });
  }

  /** `hostName` is what stands before `.local`; '' or no label of DNS: the box has no such name. */
  follow(hostName: string, lan: readonly LanInterface[]): void {
    const name = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(hostName) ? `${hostName.toLowerCase()}.local` : '';
    const wanted = new Map(name === '' ? [] : lan.map((one) => [JSON.stringify([name, one]), one]));
    for (const [key, responder] of this.#responders) {
      if (wanted.has(key)) continue;
      this.#responders.delete(key);
      void leave(responder);
    }
    for (const [key, { addresses }] of wanted) {
      const own = addresses.find((address) => !address.includes(':'))?.split('/')[0];
      if (own !== undefined && !this.#responders.has(key)) this.#responders.set(key, open(name, own, addresses));
    }
  }

  async stop(): Promise<void> {
    const all = [...this.#responders.values()];
    this.#responders.clear();
    await Promise.all(all.map(leave));
  }
}

/** `own` is the address by which the interface is known. */
function open(name: string, own: string, addresses: readonly string[]): Responder {
  const datagrams = createSocket({ type: 'udp4', reuseAddr: true });
  // Section 11: answers have a TTL of 255, also those to one resolver alone.
  datagrams.once('listening', () => datagrams.setTTL(MOST_TTL));
  const socket = multicastDns({ socket: datagrams, interface: own, bind: '0.0.0.0', loopback: false });
  const responder: Responder = { socket, name, addresses, rival: undefined, failure: '' };
  // Section 11: what comes from elsewhere than the network itself is none of ours.
  const isNear = ({ address }: RemoteInfo) => addresses.some((each) => networkHolds(each, address));
  socket.on('error', ({ message }) => {
    responder.failure = message;
  });
  socket.on('query', (query, from) => {
    if (isNear(from)) answer(responder, query, from);
  });
  socket.on('response', ({ answers }, from) => {
    if (isNear(from) && from.address !== own) noteRival(responder, answers, from);
  });
  socket.once('ready', () => {
    announce(responder, TTL_S);
    setTimeout(() => announce(responder, TTL_S), SECOND_ANNOUNCEMENT_MS).unref();
  });
  return responder;
}

const withoutLength = (addresses: readonly string[]): string[] =>
  addresses.map((address) => address.split('/')[0] ?? '');

function answer(responder: Responder, query: multicastDns.QueryPacket, from: RemoteInfo): void {
  const { socket, name } = responder;
  const records = recordsOf(name, withoutLength(responder.addresses));
  const questions = query.questions.filter((question) => question.name.toLowerCase() === name);
  const asked = new Set<string>(questions.map(({ type }) => type));
  if (asked.size === 0) return;
  const wanted = records.addresses.filter(({ type }) => asked.has(type) || asked.has('ANY'));
  if (from.port !== MDNS_PORT) {
    const answers = wanted.map((record) => ({ ...record, ttl: LEGACY_TTL_S, flush: false }) as Answer);
    socket.respond({ id: query.id, questions, answers }, from);
    return;
  }
  // Section 7.1: what the one who asks knows already, and for a while yet, is not said again.
  const unknown = wanted.filter((record) => !query.answers.some((known) => isSame(record, known)));
  if (wanted.length > 0 && unknown.length === 0) return;
  socket.respond({ answers: wanted.length > 0 ? unknown : [records.rest], additionals: [records.rest] });
}

function isSame(record: Answer, known: Answer): boolean {
  if (!('data' in record && 'data' in known && 'ttl' in known)) return false;
  const isOne = record.type === known.type && known.name.toLowerCase() === record.name;
  return isOne && record.data === known.data && (known.ttl ?? 0) >= TTL_S / 2;
}

function noteRival(responder: Responder, answers: readonly Answer[], { address }: RemoteInfo): void {
  const own = withoutLength(responder.addresses);
  const isTheirs = (one: Answer) =>
    one.type === 'A' && one.name.toLowerCase() === responder.name && one.ttl !== 0 && !own.includes(one.data);
  if (answers.some(isTheirs)) responder.rival = { address, until_ms: performance.now() + TTL_S * 1000 };
}

/** With a time of 0 it is said that the name is no longer here, section 10.1. */
function announce({ socket, name, addresses }: Responder, ttl: number, then: () => void = () => undefined): void {
  const records = recordsOf(name, withoutLength(addresses));
  const answers = records.addresses.map((record) => ({ ...record, ttl }) as Answer);
  socket.respond({ answers, ...(ttl > 0 && { additionals: [records.rest] }) }, then);
}

/** An interface that is gone hears nothing any more, and nobody on it. */
function leave(responder: Responder): Promise<void> {
  return new Promise((resolve) => announce(responder, 0, () => responder.socket.destroy(resolve)));
}
