/** Disconnect and CoA (RFC 5176): who is heard, what is answered, what is dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkMessageAuthenticator,
  checkResponseAuthenticator,
  messageAuthenticator,
  requestAuthenticator,
} from '../../../../firmware/crypto/radius.js';
import {
  type DynamicAuthorizationDrop,
  DynamicAuthorizationServer,
} from '../../../../firmware/protocol/radius/dynamic-authorization.js';
import { emitRadiusPacket, parseRadiusPacket, RADIUS_CODE } from '../../../../firmware/wire/radius.js';
import {
  emitRadiusAttributes,
  parseRadiusAttributes,
  type RadiusValues,
} from '../../../../firmware/wire/radius-attributes.js';
import { ascii } from '../../../vectors/vectors.js';

const SECRET = ascii('coa secret');
const PEER = { address: '192.0.2.1', port: 40_000 };
const TIME_OF_DAY_S = 1_700_000_000;
const WINDOW_S = 300;
const SESSION: RadiusValues = { acctSessionId: '0001', eventTimestamp_s: TIME_OF_DAY_S };

function startServer(maxRequests = 4): DynamicAuthorizationServer {
  return new DynamicAuthorizationServer({
    clients: [
      { address: PEER.address, secret: SECRET, requiresMessageAuthenticator: true, requiresEventTimestamp: true },
    ],
    nas: { nasIdentifier: 'lns', nasIpAddress: '192.0.2.9' },
    eventWindow_s: WINDOW_S,
    maxRequests,
  });
}

interface RequestOptions {
  code?: number;
  identifier?: number;
  secret?: Uint8Array;
  signed?: boolean;
}

function requestOf(values: RadiusValues, options: RequestOptions = {}): Uint8Array {
  const { code = RADIUS_CODE.disconnectRequest, identifier = 1, secret = SECRET, signed = true } = options;
  const unsigned = signed ? [{ type: 80, value: new Uint8Array(16) }] : [];
  const attributes = [...unsigned, ...emitRadiusAttributes(values)];
  const packet = emitRadiusPacket({ code, identifier, authenticator: new Uint8Array(16), attributes });
  if (signed) packet.set(messageAuthenticator(packet, 22, undefined, secret), 22);
  packet.set(requestAuthenticator(packet, secret), 4);
  return packet;
}

function hear(server: DynamicAuthorizationServer, request: Uint8Array, now_ms = 0, peer = PEER): void {
  server.handleDatagram(peer, request, now_ms, TIME_OF_DAY_S);
}

for (const [code, type, ack, nak] of [
  [RADIUS_CODE.disconnectRequest, 'disconnect-requested', RADIUS_CODE.disconnectAck, RADIUS_CODE.disconnectNak],
  [RADIUS_CODE.coaRequest, 'change-requested', RADIUS_CODE.coaAck, RADIUS_CODE.coaNak],
] as const) {
  test(`code ${code} asks, and is answered by ACK or by NAK with Error-Cause, signed, with its Proxy-State`, () => {
    const server = startServer();
    const proxyState = [ascii('proxy 1'), ascii('proxy 2')];
    for (const identifier of [1, 2]) {
      const request = requestOf({ ...SESSION, proxyState }, { code, identifier });
      hear(server, request);
      const event = server.pollEvent();
      assert.ok(event !== undefined);
      assert.deepEqual([event.type, event.values.acctSessionId, event.clientIndex], [type, '0001', 0]);
      const refusal = { acknowledged: false, errorCause: 'sessionContextNotFound' } as const;
      server.answerRequest(event.requestKey, identifier === 1 ? { acknowledged: true } : refusal);
      const { datagram, address, port } = server.pollTransmit()!;
      assert.deepEqual({ address, port }, PEER);
      const authenticator = request.slice(4, 20);
      assert.ok(checkResponseAuthenticator(datagram, authenticator, SECRET));
      assert.ok(checkMessageAuthenticator(datagram, 22, authenticator, SECRET));
      const answer = parseRadiusPacket(datagram);
      assert.deepEqual([answer.code, answer.identifier], [identifier === 1 ? ack : nak, identifier]);
      const errorCause = identifier === 1 ? {} : { errorCause: 503 };
      assert.deepEqual(parseRadiusAttributes(answer.attributes).values, { proxyState, ...errorCause });
    }
  });
}

const DROPS: readonly [string, DynamicAuthorizationDrop, Uint8Array, typeof PEER][] = [
  ['of a stranger', 'unknown-client', requestOf(SESSION), { ...PEER, address: '192.0.2.66' }],
  ['made with another secret', 'authenticator-wrong', requestOf(SESSION, { secret: ascii('other') }), PEER],
  ['without Message-Authenticator', 'message-authenticator-missing', requestOf(SESSION, { signed: false }), PEER],
  ['without Event-Timestamp', 'event-timestamp-missing', requestOf({ acctSessionId: '0001' }), PEER],
  ['that lies about its length', 'malformed', requestOf(SESSION).fill(0xff, 2, 4), PEER],
  ['that is no request', 'unexpected-code', requestOf(SESSION, { code: RADIUS_CODE.accessRequest }), PEER],
  ...[-1, 1].map((sign): (typeof DROPS)[number] => [
    `from ${sign < 0 ? 'before' : 'after'} the window (section 6.3)`,
    'event-timestamp-stale',
    requestOf({ ...SESSION, eventTimestamp_s: TIME_OF_DAY_S + sign * (WINDOW_S + 1) }),
    PEER,
  ]),
];

for (const [what, drop, request, peer] of DROPS) {
  test(`a request ${what} is a counted drop without answer`, () => {
    const server = startServer();
    hear(server, request, 0, peer);
    assert.equal(server.counters.drops[drop], 1);
    assert.deepEqual([server.pollEvent(), server.pollTransmit()], [undefined, undefined]);
  });
}

test('a wrong Message-Authenticator under a right Request Authenticator is a counted drop', () => {
  const server = startServer();
  const request = requestOf(SESSION);
  request[22] ^= 1;
  request.fill(0, 4, 20);
  request.set(requestAuthenticator(request, SECRET), 4);
  hear(server, request);
  assert.equal(server.counters.drops['message-authenticator-wrong'], 1);
});

test('a request that comes again is asked once: dropped while it is open, then answered as before, until forgotten', () => {
  const server = startServer();
  hear(server, requestOf(SESSION));
  hear(server, requestOf(SESSION));
  assert.equal(server.counters.drops['request-pending'], 1);
  const { requestKey } = server.pollEvent()!;
  server.answerRequest(requestKey, { acknowledged: true });
  server.answerRequest(requestKey, { acknowledged: false, errorCause: 'invalidRequest' });
  const first = server.pollTransmit();
  hear(server, requestOf(SESSION), 2 * 1000 * WINDOW_S - 1);
  assert.deepEqual(server.pollTransmit(), first);
  assert.deepEqual([server.pollTransmit(), server.pollEvent()], [undefined, undefined]);
  hear(server, requestOf(SESSION), 2 * 1000 * WINDOW_S);
  assert.equal(server.pollEvent()?.requestKey, requestKey + 1);
});

for (const [what, code, values, errorCause] of [
  ['Disconnect-Request with another NAS-Identifier', RADIUS_CODE.disconnectRequest, { nasIdentifier: 'other' }, 403],
  ['CoA-Request with another NAS-IP-Address', RADIUS_CODE.coaRequest, { nasIpAddress: '192.0.2.10' }, 403],
  ['CoA-Request with Authorize-Only', RADIUS_CODE.coaRequest, { serviceType: 17 }, 405],
  // 405 is no answer to it.
  ['Disconnect-Request with Authorize-Only', RADIUS_CODE.disconnectRequest, { serviceType: 17 }, 401],
] as const) {
  test(`a ${what} is refused by Error-Cause ${errorCause} (RFC 5176 section 3.5)`, () => {
    const server = startServer();
    hear(server, requestOf({ ...SESSION, ...values }, { code }));
    const { attributes } = parseRadiusPacket(server.pollTransmit()!.datagram);
    assert.deepEqual(parseRadiusAttributes(attributes).values, { errorCause });
    assert.equal(server.pollEvent(), undefined);
  });
}

test('a request that names an address of the NAS which it was not told is taken', () => {
  const server = startServer();
  hear(server, requestOf({ ...SESSION, nasIpv6Address: '2001:db8::9', nasIdentifier: 'lns' }));
  assert.equal(server.pollEvent()?.type, 'disconnect-requested');
});

test('requests that are remembered are bounded', () => {
  const server = startServer(2);
  for (const identifier of [1, 2, 3]) hear(server, requestOf(SESSION, { identifier }));
  assert.deepEqual([server.counters.requests, server.counters.drops['too-many-requests']], [2, 1]);
});
