/** RADIUS by the settings: who is asked, and what becomes of what is under way when they change. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Radius } from '../../../../firmware/control/radius/radius.js';
import { messageAuthenticator, responseAuthenticator } from '../../../../firmware/crypto/radius.js';
import type { Answer, Question } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../../firmware/settings.js';
import { emitRadiusPacket } from '../../../../firmware/wire/radius.js';
import { ascii } from '../../../vectors/vectors.js';
import { standingCall } from '../standing-call.js';
import { RecordedLog } from './recorded-log.js';

const SECRET = 'shared';

function settingsWith(ports: readonly number[]): Settings {
  const authentication = ports.map((port) => ({
    ...{ address: '127.0.0.1', port, secret: SECRET, requireMessageAuthenticator: true, statusServer: false },
  }));
  return { ...DEFAULT_SETTINGS, radius: { ...DEFAULT_SETTINGS.radius, authentication } };
}

function radiusBy(settings: Settings): Radius {
  const radius = new Radius(
    {
      now_ms: () => performance.now(),
      unixTime_ms: Date.now,
      random: (length) => Uint8Array.from({ length }, (_, index) => index),
      log: new RecordedLog(),
      calls: () => [],
      disconnect: () => {},
      change: () => Promise.resolve(),
    },
    settings,
  );
  radius.configure(settings);
  return radius;
}

test('without a server nobody is asked', () => {
  const radius = radiusBy(settingsWith([]));
  assert.equal(radius.authenticator, undefined);
  assert.deepEqual(radius.servers(), []);
  radius.close();
});

test('what a former server was asked is still answered; the next question goes to the new one', {
  timeout: 20_000,
}, async () => {
  const former = createSocket('udp4').bind(0, '127.0.0.1');
  await once(former, 'listening');
  const radius = radiusBy(settingsWith([former.address().port]));
  try {
    const request = { protocol: 'pap', name: ascii('alice'), identifier: 1, password: ascii('x') } as const;
    const call = standingCall({});
    const question: Extract<Question, { type: 'authenticate' }> = {
      ...{ type: 'authenticate', questionId: 5, callId: 1, userName: 'alice', request, call },
    };
    const asked = once(former, 'message');
    const answered = new Promise<Answer>((resolve) => radius.authenticator!.authenticate(question, resolve));
    const [datagram, { port }] = (await asked) as [Buffer, { port: number }];
    radius.configure(settingsWith([1812]));
    assert.deepEqual(
      radius.servers().map((server) => server.port),
      [1812],
    );
    const authenticator = Uint8Array.from(datagram.subarray(4, 20));
    const attributes = [{ type: 80, value: new Uint8Array(16) }];
    const reply = emitRadiusPacket({ code: 2, identifier: datagram[1]!, authenticator, attributes });
    reply.set(messageAuthenticator(reply, 22, authenticator, ascii(SECRET)), 22);
    reply.set(responseAuthenticator(reply, authenticator, ascii(SECRET)), 4);
    former.send(reply, port, '127.0.0.1');
    const answer = await answered;
    assert.ok(answer.type === 'authenticate' && answer.answer.accepted);
  } finally {
    radius.close();
    former.close();
  }
});
