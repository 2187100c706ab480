/** RADIUS over real sockets on loopback, with servers made by hand: what they send that must not be taken, failover. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { radiusClientConfig } from '../../../../firmware/control/radius/client-config.js';
import { type RadiusOutcome, RadiusTransport } from '../../../../firmware/control/radius/transport.js';
import { messageAuthenticator, responseAuthenticator } from '../../../../firmware/crypto/radius.js';
import type { RadiusClientConfig, RadiusServer } from '../../../../firmware/protocol/radius/client-types.js';
import { emitRadiusPacket, RADIUS_CODE } from '../../../../firmware/wire/radius.js';
import { SeededRandom } from '../../../fuzz/fuzzer.js';
import { until } from '../../../lab/until.js';
import { ascii } from '../../../vectors/vectors.js';
import { RecordedLog } from './recorded-log.js';

const SECRET = ascii('shared secret');
const LOOPBACK = '127.0.0.1';
const TIMEOUT = { timeout: 20_000 };

/** A server's socket; what it does with requests is the test's. */
class HandMadeServer {
  readonly socket: Socket;
  readonly requests: { datagram: Uint8Array; port: number; address: string }[] = [];
  onRequest: ((request: Uint8Array, reply: (datagram: Uint8Array) => void) => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (message, { address, port }) => {
      const datagram = Uint8Array.from(message);
      this.requests.push({ datagram, address, port });
      this.onRequest?.(datagram, (reply) => socket.send(reply, port, address));
    });
  }

  static async open(address: string = LOOPBACK): Promise<HandMadeServer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new HandMadeServer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }
}

/** The reply with this code and text, signed as RFC 3579 section 3.2 has it. */
function reply(request: Uint8Array, secret = SECRET, code: number = RADIUS_CODE.accessAccept): Uint8Array {
  const ofRequest = request.subarray(4, 20);
  const attributes = [
    { type: 80, value: new Uint8Array(16) },
    { type: 18, value: ascii('welcome') },
  ];
  const packet = emitRadiusPacket({ code, identifier: request[1], authenticator: ofRequest, attributes });
  packet.set(messageAuthenticator(packet, 22, ofRequest, secret), 22);
  packet.set(responseAuthenticator(packet, ofRequest, secret), 4);
  return packet;
}

function unsignedReply(request: Uint8Array): Uint8Array {
  const ofRequest = request.subarray(4, 20);
  const code = RADIUS_CODE.accessAccept;
  const packet = emitRadiusPacket({ code, identifier: request[1], authenticator: ofRequest, attributes: [] });
  packet.set(responseAuthenticator(packet, ofRequest, SECRET), 4);
  return packet;
}

/** A datagram whose last attribute says that it is longer than it is, with the authenticator right for it. */
function lyingReply(request: Uint8Array): Uint8Array {
  const packet = reply(request);
  packet[39] += 9;
  packet.set(responseAuthenticator(packet, request.subarray(4, 20), SECRET), 4);
  return packet;
}

interface Bench {
  transport: RadiusTransport;
  log: RecordedLog;
  servers: HandMadeServer[];
  ask(userName: string): Promise<RadiusOutcome>;
}

async function withServers(
  count: number,
  config: Partial<RadiusClientConfig>,
  run: (bench: Bench) => Promise<void>,
  server: Partial<RadiusServer> = {},
  address = LOOPBACK,
): Promise<void> {
  const servers = await Promise.all(Array.from({ length: count }, () => HandMadeServer.open(address)));
  const log = new RecordedLog();
  const random = new SeededRandom(5);
  const transport = new RadiusTransport(
    {
      service: 'authentication',
      servers: servers.map(({ port }) => ({
        ...{ address, port, secret: SECRET, requiresMessageAuthenticator: true, answersStatusServer: false },
        ...server,
      })),
      sourcePorts: 1,
      initialRetransmission_ms: 200,
      maxRetransmission_ms: 400,
      maxTransmissions: Number.POSITIVE_INFINITY,
      maxDuration_ms: 3_000,
      transmissionsPerServer: 2,
      deadTime_ms: 60_000,
      ...config,
    },
    {
      now_ms: () => performance.now(),
      random: (length) => Uint8Array.from({ length }, () => random.below(256)),
      log,
    },
  );
  const ask = (userName: string): Promise<RadiusOutcome> =>
    new Promise((resolve) => transport.request({ values: { userName } }, resolve));
  try {
    await run({ transport, log, servers, ask });
  } finally {
    transport.close();
    for (const { socket } of servers) socket.close();
  }
}

test('a server answers, over IPv4 and IPv6', TIMEOUT, async () => {
  for (const address of [LOOPBACK, '::1']) {
    await withServers(
      1,
      {},
      async ({ transport, servers, ask }) => {
        servers[0].onRequest = (request, send) => send(reply(request));
        const outcome = await ask('alice');
        assert.ok(outcome.type === 'reply');
        assert.equal(outcome.code, 'accept');
        assert.deepEqual(outcome.values.replyMessage, ['welcome']);
        const [view] = transport.servers();
        assert.deepEqual(
          [view.address, view.state, view.requests, view.replies, view.noReplies],
          [address, 'alive', 1, 1, 0],
        );
      },
      {},
      address,
    );
  }
});

for (const [what, reason, forge] of [
  ['a wrong authenticator', 'authenticator-wrong', (request) => reply(request, ascii('another secret'))],
  ['no Message-Authenticator where one is required', 'message-authenticator-missing', unsignedReply],
  ['an attribute whose length lies', 'malformed', lyingReply],
  ['a code that answers nothing', 'unexpected-code', (request) => reply(request, SECRET, RADIUS_CODE.coaRequest)],
  ['half a header', 'malformed', (request) => request.subarray(0, 11)],
  [
    'an identifier of another request',
    'no-such-request',
    (request) => reply(Uint8Array.of(request[0], request[1] + 1, ...request.subarray(2))),
  ],
] as [string, string, (request: Uint8Array) => Uint8Array][]) {
  test(`a reply with ${what} is counted and logged, and the right one is still taken`, TIMEOUT, async () => {
    await withServers(1, {}, async ({ transport, log, servers, ask }) => {
      servers[0].onRequest = (request, send) => {
        send(forge(request));
        send(reply(request));
      };
      const outcome = await ask('alice');
      assert.equal(outcome.type, 'reply');
      assert.equal(transport.servers()[0].drops[reason], 1);
      assert.deepEqual(
        log.lines.map(({ message, fields }) => [message, fields.reason]),
        [['RADIUS datagram not taken', reason]],
      );
    });
  });
}

test('a reply from another address or port than the asked one is a stranger', TIMEOUT, async () => {
  await withServers(1, {}, async ({ transport, servers, ask }) => {
    const otherPort = await HandMadeServer.open();
    const otherAddress = await HandMadeServer.open('127.0.0.2');
    try {
      servers[0].onRequest = (request) => {
        const { port, address } = servers[0].requests[0];
        otherPort.socket.send(reply(request), port, address);
        otherAddress.socket.send(reply(request), port, address);
      };
      const outcome = ask('alice');
      await until('both are counted', 5_000, () => transport.strangers === 2);
      servers[0].onRequest = (request, send) => send(reply(request));
      assert.equal((await outcome).type, 'reply');
    } finally {
      otherPort.socket.close();
      otherAddress.socket.close();
    }
  });
});

test('a reply that comes too late is nothing: the request ended without one', TIMEOUT, async () => {
  await withServers(1, { maxDuration_ms: 300 }, async ({ transport, servers, ask }) => {
    assert.equal((await ask('alice')).type, 'no-reply');
    const [{ datagram, port, address }] = servers[0].requests;
    servers[0].socket.send(reply(datagram), port, address);
    await until('it is counted', 5_000, () => transport.servers()[0].drops['no-such-request'] === 1);
    assert.equal(transport.servers()[0].replies, 0);
  });
});

test(
  'the next server is asked after the set number of transmissions, and the first is not asked again',
  TIMEOUT,
  async () => {
    await withServers(2, {}, async ({ transport, log, servers, ask }) => {
      servers[1].onRequest = (request, send) => send(reply(request));
      const began_ms = performance.now();
      assert.equal((await ask('alice')).type, 'reply');
      const took_ms = performance.now() - began_ms;
      // RFC 5080 section 2.2.1: 200 ms and 400 ms, each with a tenth of jitter.
      assert.ok(took_ms >= 520 && took_ms < 1_200, `${took_ms} ms`);
      assert.equal(servers[0].requests.length, 2);
      assert.equal((await ask('bob')).type, 'reply');
      assert.equal(servers[0].requests.length, 2);
      const [first, second] = transport.servers();
      assert.deepEqual([first.state, first.noReplies, second.state, second.replies], ['dead', 1, 'alive', 2]);
      assert.deepEqual(
        log.lines.map(({ level, message, fields }) => [level, message, fields.port]),
        [['warn', 'RADIUS server does not answer', servers[0].port]],
      );
    });
  },
);

test('a dead server that answers Status-Server is asked first again (RFC 5997)', TIMEOUT, async () => {
  await withServers(
    2,
    { deadTime_ms: 300 },
    async ({ transport, servers, ask }) => {
      for (const each of servers) each.onRequest = (request, send) => send(reply(request));
      await ask('alice');
      await until('it is asked for its status', 5_000, () => servers[0].requests.length === 2);
      servers[0].onRequest = undefined;
      await ask('bob');
      assert.equal(transport.servers()[0].state, 'dead');
      await until('it is asked twice more', 5_000, () => servers[0].requests.length >= 6);
      assert.equal(transport.servers()[0].state, 'dead');
      servers[0].onRequest = (request, send) => send(reply(request));
      await until('it is alive', 5_000, () => transport.servers()[0].state === 'alive');
      assert.equal(servers[0].requests.at(-1)?.datagram[0], RADIUS_CODE.statusServer);
      await ask('carol');
      assert.equal(transport.servers()[0].replies, 2);
    },
    { answersStatusServer: true },
  );
});

test('one more request than one source port has identifiers is answered too', TIMEOUT, async () => {
  await withServers(1, { sourcePorts: 2 }, async ({ servers, ask }) => {
    servers[0].onRequest = (request, send) => send(reply(request));
    const outcomes = await Promise.all(Array.from({ length: 600 }, (_, index) => ask(`user${index}`)));
    assert.ok(outcomes.every(({ type }) => type === 'reply'));
    assert.equal(new Set(servers[0].requests.map(({ port }) => port)).size, 2);
  });
});

test('after close nothing is answered and nothing keeps the process', TIMEOUT, async () => {
  await withServers(1, {}, async ({ transport, servers, ask }) => {
    let answered = false;
    void ask('alice').then(() => {
      answered = true;
    });
    await until('it is asked', 5_000, () => servers[0].requests.length > 0);
    transport.close();
    const { datagram, port, address } = servers[0].requests[0];
    const sent = new Promise((resolve) => servers[0].socket.send(reply(datagram), port, address, resolve));
    await sent;
    await new Promise(setImmediate);
    assert.equal(answered, false);
    assert.throws(() => transport.request({ values: {} }, () => {}));
  });
});

test('the settings say the servers in their order, in the units of the client', () => {
  const server = {
    address: '192.0.2.1',
    port: 1812,
    secret: 's',
    requireMessageAuthenticator: true,
    statusServer: false,
  };
  const settings = {
    authentication: [server],
    accounting: [],
    nasIdentifier: '',
    sourcePorts: 3,
    initialRetransmission_ms: 500,
    transmissionsPerServer: 2,
    timeout_s: 9,
    deadTime_s: 40,
    interimInterval_s: 0,
    tunnelAccounting: true,
    dynamicAuthorization: { port: 0, clients: [] },
  };
  assert.equal(radiusClientConfig(settings, 'accounting'), undefined);
  assert.deepEqual(radiusClientConfig(settings, 'authentication'), {
    service: 'authentication',
    servers: [
      {
        ...{ address: '192.0.2.1', port: 1812, secret: ascii('s') },
        ...{ requiresMessageAuthenticator: true, answersStatusServer: false },
      },
    ],
    sourcePorts: 3,
    initialRetransmission_ms: 500,
    maxRetransmission_ms: 16_000,
    maxTransmissions: Number.POSITIVE_INFINITY,
    maxDuration_ms: 9_000,
    transmissionsPerServer: 2,
    deadTime_ms: 40_000,
  });
});
