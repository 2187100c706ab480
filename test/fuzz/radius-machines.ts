/**
 * The RADIUS client and the server for Disconnect and CoA as fuzz targets, and what the box makes of what they hand on:
 * whatever datagrams come, nothing throws, each is an outcome that is counted, and what was asked is answered once. A stranger's datagram ends at its authenticator; so
 * that what lies behind it is met as well, an input may say that it is to be sealed by who knows the secret.
 *
 * An input is a list of records as machines.ts has them, each with a datagram: | sealed (8), 1 is yes | datagram |.
 */
import { readAccessAccept, readRefusal } from '../../firmware/control/radius/access-accept.js';
import { changeOf, disconnectFault, selectCall } from '../../firmware/control/radius/session-selection.js';
import {
  encryptSalted,
  messageAuthenticator,
  requestAuthenticator,
  responseAuthenticator,
} from '../../firmware/crypto/radius.js';
import { RadiusClient } from '../../firmware/protocol/radius/client.js';
import { RADIUS_REPLY_DROPS, type RadiusTransmit } from '../../firmware/protocol/radius/client-types.js';
import {
  DYNAMIC_AUTHORIZATION_DROPS,
  DynamicAuthorizationServer,
} from '../../firmware/protocol/radius/dynamic-authorization.js';
import { DEFAULT_SETTINGS } from '../../firmware/settings.js';
import {
  AUTHENTICATOR_BYTES,
  AUTHENTICATOR_OFFSET,
  emitRadiusPacket,
  MESSAGE_AUTHENTICATOR,
  RADIUS_CODE,
  RADIUS_HEADER_BYTES,
} from '../../firmware/wire/radius.js';
import {
  emitRadiusAttributes,
  type ParsedAttributes,
  type RadiusValues,
} from '../../firmware/wire/radius-attributes.js';
import { standingCall } from '../unit/control/standing-call.js';
import { ascii } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';
import { fromRecords, polled, randomBytes, toRecords } from './machines.js';

const SECRET = ascii('shared secret');
const SERVER = { address: '192.0.2.1', port: 1812 };
const TIME_OF_DAY_S = 1_700_000_000;
const FIRST_VALUE_OFFSET = RADIUS_HEADER_BYTES + 2;
const STANDING = standingCall({ accountingId: '0001', peerInterfaceId: '0211:22ff:fe33:4455' });
const [UNSEALED, SEALED] = [0, 1];

function datagramOf(code: number, identifier: number, values: RadiusValues): Uint8Array {
  const unsigned = { type: MESSAGE_AUTHENTICATOR, value: new Uint8Array(AUTHENTICATOR_BYTES) };
  const authenticator = new Uint8Array(AUTHENTICATOR_BYTES);
  return emitRadiusPacket({ code, identifier, authenticator, attributes: [unsigned, ...emitRadiusAttributes(values)] });
}

/** Both authenticators of what is there, right; `ofRequest` is the request's that this answers, undefined in a request. */
function seal(datagram: Uint8Array, ofRequest: Uint8Array | undefined): void {
  if (datagram.length < RADIUS_HEADER_BYTES) return;
  const declared_bytes = (datagram[2] << 8) | datagram[3];
  const packet = datagram.subarray(0, Math.max(RADIUS_HEADER_BYTES, declared_bytes));
  const isSigned = packet.length >= FIRST_VALUE_OFFSET + AUTHENTICATOR_BYTES;
  if (isSigned && packet[RADIUS_HEADER_BYTES] === MESSAGE_AUTHENTICATOR) {
    packet.set(messageAuthenticator(packet, FIRST_VALUE_OFFSET, ofRequest, SECRET), FIRST_VALUE_OFFSET);
  }
  const authenticator =
    ofRequest === undefined ? requestAuthenticator(packet, SECRET) : responseAuthenticator(packet, ofRequest, SECRET);
  packet.set(authenticator, AUTHENTICATOR_OFFSET);
}

// The client.

interface Asked {
  client: RadiusClient;
  sent: readonly RadiusTransmit[];
}

/** A client with three requests under way: by PAP, by CHAP, and one that awaits keys. */
function asked(service: 'authentication' | 'accounting'): Asked {
  const client = new RadiusClient(
    {
      service,
      servers: [{ ...SERVER, secret: SECRET, requiresMessageAuthenticator: true, answersStatusServer: true }],
      sourcePorts: 1,
      initialRetransmission_ms: 2000,
      maxRetransmission_ms: 8000,
      maxTransmissions: 3,
      maxDuration_ms: 20_000,
      transmissionsPerServer: 3,
      deadTime_ms: 60_000,
    },
    randomBytes(1),
  );
  const isPap = service === 'authentication';
  client.request({ values: { userName: 'pap' }, ...(isPap && { password: ascii('secret') }) }, 0);
  client.request({ values: { userName: 'chap', chapPassword: new Uint8Array(17) } }, 0);
  client.request({ values: { userName: 'mschapv2' } }, 0);
  return { client, sent: [...polled(() => client.pollTransmit())] };
}

function runClient(service: 'authentication' | 'accounting', input: Uint8Array): void {
  const { client, sent } = asked(service);
  const records = fromRecords(input);
  for (const record of records) {
    const datagram = record.slice(1);
    const request = sent.find((one) => one.datagram[1] === datagram[1]) ?? sent[0];
    if (record[0] === SEALED) seal(datagram, request.datagram.slice(4, 20));
    client.handleDatagram({ ...SERVER, sourcePortIndex: 0, datagram }, 0);
  }
  const { counters } = client;
  const drops = RADIUS_REPLY_DROPS.reduce((sum, drop) => sum + counters.drops[drop], 0);
  if (counters.replies + drops !== records.length)
    throw new Error(`${records.length} datagrams, not all with an outcome`);
  for (let now_ms = client.pollTimeout(); now_ms !== undefined && now_ms < 60_000; now_ms = client.pollTimeout()) {
    client.handleTimeout(now_ms);
  }
  const events = [...polled(() => client.pollEvent())];
  for (const event of events) if (event.type === 'reply') readReply(event);
  const keys = events.flatMap((event) => ('requestKey' in event ? [event.requestKey] : []));
  if (keys.length !== sent.length || new Set(keys).size !== sent.length) throw new Error(`outcomes of ${keys}`);
}

/** What the box makes of a reply: a user gets in with what it gets, or there is a word why not. */
function readReply({ values }: ParsedAttributes): void {
  readRefusal(values);
  for (const role of ['lns', 'lac'] as const) {
    for (const protocol of ['pap', 'mschapv2'] as const) {
      const { answer, authorization, problems } = readAccessAccept(values, { role, protocol }, DEFAULT_SETTINGS.lac);
      if (answer.accepted !== (authorization !== undefined)) throw new Error('accepted, and gets nothing');
      if (!answer.accepted && problems.length === 0) throw new Error('refused, and nobody knows why');
    }
  }
}

/** The replies to those requests, with all that is opened. */
function replies(service: 'authentication' | 'accounting'): Uint8Array {
  const { sent } = asked(service);
  const isAccounting = service === 'accounting';
  const datagrams = sent.map(({ datagram: request }, index) => {
    const encrypted = encryptSalted(ascii('tunnel secret'), Uint8Array.of(0x80, 1), request.slice(4, 20), SECRET);
    const values: RadiusValues = {
      tunnelType: [{ tag: 1, value: 3 }],
      tunnelServerEndpoint: [{ tag: 1, value: '192.0.2.1' }],
      tunnelPassword: [{ tag: 1, value: encrypted }],
      framedIpAddress: '10.0.0.7',
      framedIpNetmask: '255.255.255.0',
      framedRoute: ['192.168.1.0/24 0.0.0.0 1'],
      framedIpv6Route: ['2001:db8::/64 :: 1'],
      mikroTikRateLimit: '1M/2M',
      msChap2Success: ascii(`1S=${'0'.repeat(40)}`),
      replyMessage: ['welcome'],
    };
    const codes = [RADIUS_CODE.accessAccept, RADIUS_CODE.accessReject, RADIUS_CODE.accessChallenge];
    const code = isAccounting ? RADIUS_CODE.accountingResponse : codes[index];
    return Uint8Array.of(SEALED, ...datagramOf(code, request[1], isAccounting ? {} : values));
  });
  return toRecords([Uint8Array.of(UNSEALED, ...datagrams[0].subarray(1)), ...datagrams]);
}

// The server.

function runServer(input: Uint8Array): void {
  const client = { ...SERVER, secret: SECRET, requiresMessageAuthenticator: true, requiresEventTimestamp: true };
  const server = new DynamicAuthorizationServer({
    clients: [client],
    nas: { nasIdentifier: 'lns' },
    eventWindow_s: 300,
    maxRequests: 4,
  });
  const records = fromRecords(input);
  let answers = 0;
  for (const record of records) {
    const datagram = record.slice(1);
    if (record[0] === SEALED) seal(datagram, undefined);
    server.handleDatagram(SERVER, datagram, 0, TIME_OF_DAY_S);
    for (const event of polled(() => server.pollEvent())) {
      disconnectFault(event);
      changeOf(event, new Set(['guests']));
      selectCall(event.values, [STANDING]);
      server.answerRequest(event.requestKey, { acknowledged: true });
    }
    answers += [...polled(() => server.pollTransmit())].length;
  }
  const { acknowledged, refused, repeated } = server.counters;
  const drops = DYNAMIC_AUTHORIZATION_DROPS.reduce((sum, drop) => sum + server.counters.drops[drop], 0);
  if (acknowledged + refused + repeated !== answers) throw new Error(`${answers} answers that are not counted so`);
  if (answers + drops !== records.length) throw new Error(`${records.length} datagrams, not all with an outcome`);
}

function requests(): Uint8Array {
  const values: RadiusValues = { acctSessionId: '0001', eventTimestamp_s: TIME_OF_DAY_S, proxyState: [ascii('proxy')] };
  const disconnect = datagramOf(RADIUS_CODE.disconnectRequest, 1, values);
  const change = datagramOf(RADIUS_CODE.coaRequest, 2, { ...values, filterId: ['guests'], sessionTimeout_s: 60 });
  return toRecords([
    Uint8Array.of(UNSEALED, ...disconnect),
    Uint8Array.of(SEALED, ...disconnect),
    Uint8Array.of(SEALED, ...disconnect),
    Uint8Array.of(SEALED, ...change),
  ]);
}

export const RADIUS_MACHINE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'radius-client-authentication',
    seeds: [replies('authentication')],
    run: (input) => runClient('authentication', input),
  },
  { name: 'radius-client-accounting', seeds: [replies('accounting')], run: (input) => runClient('accounting', input) },
  { name: 'radius-dynamic-authorization', seeds: [requests()], run: runServer },
];
