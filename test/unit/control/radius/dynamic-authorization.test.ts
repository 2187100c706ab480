/** Disconnect and CoA over real sockets on loopback: what is done, what is answered and when, who is not heard. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { DynamicAuthorization } from '../../../../firmware/control/radius/dynamic-authorization.js';
import {
  checkResponseAuthenticator,
  messageAuthenticator,
  requestAuthenticator,
} from '../../../../firmware/crypto/radius.js';
import type { AuthorizationChange, CallInfo } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../../firmware/settings.js';
import { emitRadiusPacket, parseRadiusPacket, RADIUS_CODE } from '../../../../firmware/wire/radius.js';
import {
  emitRadiusAttributes,
  parseRadiusAttributes,
  type RadiusValues,
} from '../../../../firmware/wire/radius-attributes.js';
import { until } from '../../../lab/until.js';
import { ascii } from '../../../vectors/vectors.js';
import { standingCall } from '../standing-call.js';
import { RecordedLog } from './recorded-log.js';

const SECRET = 'coa secret';
const TIMEOUT = { timeout: 20_000 };
const { disconnectRequest, disconnectAck, disconnectNak, coaRequest, coaAck, coaNak } = RADIUS_CODE;
const ALICE = standingCall({ callId: 1, userName: 'alice', accountingId: '0000000100000001' });
const BOB = standingCall({ callId: 2, userName: 'bob', accountingId: '0000000100000002' });

/** A port that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

function settingsOf(port: number, addresses: readonly string[] = ['127.0.0.1']): Settings {
  const clients = addresses.map((address) => ({ address, secret: SECRET, requireMessageAuthenticator: true }));
  const radius = { ...DEFAULT_SETTINGS.radius, nasIdentifier: 'lns', dynamicAuthorization: { port, clients } };
  return { ...DEFAULT_SETTINGS, radius, filters: [{ name: 'web', rules: [], otherwise: 'accept' }] };
}

function requestOf(code: number, identifier: number, values: RadiusValues, secret = SECRET): Uint8Array {
  const attributes = [{ type: 80, value: new Uint8Array(16) }, ...emitRadiusAttributes(values)];
  const packet = emitRadiusPacket({ code, identifier, authenticator: new Uint8Array(16), attributes });
  packet.set(messageAuthenticator(packet, 22, undefined, ascii(secret)), 22);
  packet.set(requestAuthenticator(packet, ascii(secret)), 4);
  return packet;
}

interface Bench {
  port: number;
  log: RecordedLog;
  box: DynamicAuthorization;
  ended: { call: CallInfo; reason: string }[];
  changed: { call: CallInfo; change: AuthorizationChange }[];
  /** What the box does with a change; by default it is in force at once. */
  onChange: () => Promise<void>;
  client: Socket;
  /** Answers in their order. */
  answers: Uint8Array[];
  send(packet: Uint8Array): void;
  ask(code: number, values: RadiusValues): Promise<{ code: number; errorCause: number | undefined }>;
}

async function withBox(run: (bench: Bench) => Promise<void>, address = '127.0.0.1'): Promise<void> {
  const port = await freePort();
  const client = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const answers: Uint8Array[] = [];
  client.on('message', (datagram) => answers.push(Uint8Array.from(datagram)));
  const log = new RecordedLog();
  let identifier = 0;
  const bench: Bench = {
    ...{ port, log, client, answers, ended: [], changed: [], onChange: () => Promise.resolve() },
    box: new DynamicAuthorization({
      calls: () => [ALICE, BOB],
      disconnect: (call, reason) => bench.ended.push({ call, reason }),
      change: (call, change) => {
        bench.changed.push({ call, change });
        return bench.onChange();
      },
      now_ms: () => performance.now(),
      unixTime_ms: () => 1_700_000_000_000,
      log,
    }),
    send: (packet) => client.send(packet, port, address),
    async ask(code, values) {
      const request = requestOf(code, ++identifier, values);
      const known = answers.length;
      bench.send(request);
      const answer = await until('an answer', 5_000, () => answers.length > known && answers[known]);
      assert.ok(checkResponseAuthenticator(answer, request.subarray(4, 20), ascii(SECRET)));
      assert.equal(answer[1], request[1]);
      const packet = parseRadiusPacket(answer);
      return { code: packet.code, errorCause: parseRadiusAttributes(packet.attributes).values.errorCause };
    },
  };
  try {
    bench.box.configure(settingsOf(port, [address]));
    client.bind(0, address);
    await once(client, 'listening');
    await run(bench);
  } finally {
    bench.box.close();
    client.close();
  }
}

test('a Disconnect-Request ends the call that it names, with its Reply-Message as the reason', TIMEOUT, async () => {
  for (const address of ['127.0.0.1', '::1']) {
    await withBox(async ({ ask, ended, changed }) => {
      const answer = await ask(disconnectRequest, { acctSessionId: '0000000100000002', replyMessage: ['Go', 'home'] });
      assert.deepEqual(answer, { code: disconnectAck, errorCause: undefined });
      assert.deepEqual(ended, [{ call: BOB, reason: 'Go home' }]);
      assert.deepEqual(changed, []);
    }, address);
  }
});

test(
  "the Class of a Disconnect-Request is the call's before it ends (RFC 5176 section 3.6, note 4)",
  TIMEOUT,
  async () => {
    await withBox(async ({ ask, ended, changed }) => {
      await ask(disconnectRequest, { userName: 'alice', class: [ascii('last')] });
      assert.deepEqual(changed, [{ call: ALICE, change: { class: [ascii('last')] } }]);
      assert.deepEqual(
        ended.map(({ call }) => call),
        [ALICE],
      );
    });
  },
);

test('a CoA-Request is acknowledged when the change is in force, not before', TIMEOUT, async () => {
  await withBox(async (bench) => {
    let takeEffect = (): void => {};
    bench.onChange = () => new Promise((resolve) => (takeEffect = resolve));
    const answer = bench.ask(coaRequest, { userName: 'alice', sessionTimeout_s: 60, filterId: ['web'] });
    await until('the change is asked for', 5_000, () => bench.changed.length > 0);
    assert.deepEqual(bench.changed, [{ call: ALICE, change: { sessionTimeout_s: 60, filters: ['web'] } }]);
    assert.equal(bench.answers.length, 0);
    takeEffect();
    assert.deepEqual(await answer, { code: coaAck, errorCause: undefined });
  });
});

test('a change that cannot be made is refused by Resources Unavailable (506)', TIMEOUT, async () => {
  await withBox(async (bench) => {
    bench.onChange = () => Promise.reject(new Error('no room'));
    const answer = await bench.ask(coaRequest, { userName: 'alice', sessionTimeout_s: 60 });
    assert.deepEqual(answer, { code: coaNak, errorCause: 506 });
  });
});

test('what cannot be done is refused with its Error-Cause, and nothing is done', TIMEOUT, async () => {
  await withBox(async ({ ask, ended, changed }) => {
    for (const [code, values, nak, errorCause] of [
      [disconnectRequest, { userName: 'carol' }, disconnectNak, 503],
      [disconnectRequest, { nasIdentifier: 'lns' }, disconnectNak, 402],
      [disconnectRequest, { userName: 'alice', nasIdentifier: 'other' }, disconnectNak, 403],
      [disconnectRequest, { userName: 'alice', sessionTimeout_s: 1 }, disconnectNak, 401],
      [disconnectRequest, { userName: 'alice', serviceType: 17 }, disconnectNak, 401],
      [disconnectRequest, { calledStationId: '' }, disconnectNak, 402],
      [coaRequest, { userName: 'alice', framedPool: 'gold' }, coaNak, 401],
      [coaRequest, { userName: 'alice', filterId: ['mail'] }, coaNak, 407],
      [coaRequest, { userName: 'alice', serviceType: 17, state: ascii('s') }, coaNak, 405],
    ] as [number, RadiusValues, number, number][]) {
      assert.deepEqual(await ask(code, values), { code: nak, errorCause }, JSON.stringify(values));
    }
    assert.deepEqual([ended, changed], [[], []]);
  });
});

test('a stranger, a wrong secret and a copy: counted, logged, without effect', TIMEOUT, async () => {
  await withBox(async ({ port, box, log, ended, answers, client, send }) => {
    const stranger = createSocket('udp4');
    try {
      stranger.bind(0, '127.0.0.2');
      await once(stranger, 'listening');
      const request = requestOf(disconnectRequest, 9, { userName: 'alice' });
      stranger.send(request, port, '127.0.0.1');
      await until('it is counted', 5_000, () => box.view()?.drops['unknown-client'] === 1);
      send(requestOf(disconnectRequest, 9, { userName: 'alice' }, 'guess'));
      await until('it is counted', 5_000, () => box.view()?.drops['authenticator-wrong'] === 1);
      assert.deepEqual(ended, []);
      send(request);
      await until('it is answered', 5_000, () => answers.length === 1);
      send(request);
      await until('it is answered again', 5_000, () => answers.length === 2);
      assert.deepEqual(answers[0], answers[1]);
      assert.equal(ended.length, 1);
      assert.deepEqual(
        log.lines.map(({ level, fields }) => [level, fields.reason ?? fields.type]),
        [
          ['warn', 'unknown-client'],
          ['warn', 'authenticator-wrong'],
          ['info', 'disconnect-requested'],
        ],
      );
      assert.equal(client.address().address, '127.0.0.1');
    } finally {
      stranger.close();
    }
  });
});

test('other settings are listened to at once; port 0 is nowhere', TIMEOUT, async () => {
  await withBox(async ({ ask, box, port }) => {
    box.configure(settingsOf(port, ['127.0.0.1', '192.0.2.1']));
    assert.equal((await ask(coaRequest, { userName: 'alice' })).code, coaAck);
    box.configure(settingsOf(0));
    assert.equal(box.view(), undefined);
    const other = createSocket('udp4').bind(port);
    await once(other, 'listening');
    other.close();
  });
});

test('a port that is taken is a problem in words, gone with other settings', TIMEOUT, async () => {
  await withBox(async ({ box }) => {
    const other = createSocket('udp4').bind(0);
    await once(other, 'listening');
    try {
      box.configure(settingsOf(other.address().port));
      const problem = await until('the problem', 5_000, () => box.problem);
      assert.match(problem, /UDP port \d+ for CoA and Disconnect/);
      box.configure(settingsOf(0));
      assert.equal(box.problem, undefined);
    } finally {
      other.close();
    }
  });
});
