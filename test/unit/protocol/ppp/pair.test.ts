/** Two links of ours against one another: over a good line, and over one that loses, doubles and reorders frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationProtocol, PppLinkConfig } from '../../../../firmware/protocol/ppp/link.js';
import { CLIENT, lns } from './driver.js';
import { type Line, Pair, PERFECT_LINE } from './pair.js';

const PROTOCOLS: readonly AuthenticationProtocol[] = ['pap', 'chap-md5', 'mschapv2'];
const BAD_LINE: Line = { loss: 0.2, duplication: 0.1, delayMin_ms: 10, delayMax_ms: 400 };
const SEEDS = 150;
const ECHOES = { echoInterval_ms: 10_000, echoFailures: 5 };

function ends(protocol: AuthenticationProtocol, more: Partial<PppLinkConfig> = {}): [PppLinkConfig, PppLinkConfig] {
  return [lns([protocol], { ipv6: true, ...more }), { ...CLIENT, ipv6: true, ...more }];
}

function assertUp({ server, client }: Pair): void {
  assert.deepEqual(server.ipcp, {
    type: 'ipcp-up',
    localAddress: '10.0.0.1',
    peerAddress: '10.0.0.7',
    dns: ['10.0.0.53', '10.0.1.53'],
  });
  assert.deepEqual(client.ipcp, {
    type: 'ipcp-up',
    localAddress: '10.0.0.7',
    peerAddress: '10.0.0.1',
    dns: ['10.0.0.53', '10.0.1.53'],
  });
  assert.deepEqual(server.ipv6cp?.localInterfaceId, client.ipv6cp?.peerInterfaceId);
  assert.deepEqual(server.ipv6cp?.peerInterfaceId, client.ipv6cp?.localInterfaceId);
  assert.notDeepEqual(server.ipv6cp?.peerInterfaceId, server.ipv6cp?.localInterfaceId);
}

for (const protocol of PROTOCOLS) {
  test(`${protocol}: over a good line the link is up within two seconds and few frames`, () => {
    const pair = new Pair(1, PERFECT_LINE, ...ends(protocol)).start().run(2000);
    assertUp(pair);
    assert.equal(pair.server.questions, 1);
    assert.equal(pair.server.authenticated, 1);
    assert.equal(pair.client.authenticated, 1);
    assert.ok(pair.server.framesSent + pair.client.framesSent <= 30, `${pair.server.framesSent} frames`);
  });

  test(`${protocol}: a wrong password ends both ends as authentication-failed`, () => {
    const pair = new Pair(1, PERFECT_LINE, ...ends(protocol), 'another').start().run(10_000);
    assert.equal(pair.server.down?.reason, 'authentication-failed');
    assert.equal(pair.client.down?.reason, 'authentication-failed');
  });

  test(`${protocol}: over a bad line every seed comes up at both ends, agrees and stays up`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const pair = new Pair(seed, BAD_LINE, ...ends(protocol, ECHOES)).start();
      pair.run(180_000, () => pair.server.isUp && pair.client.isUp);
      // A late copy may begin one more round; the end that counts is the one after the line has calmed down.
      pair.run(30_000);
      pair.run(60_000, () => pair.server.isUp && pair.client.isUp);
      assert.equal(pair.server.down, undefined, `seed ${seed}: ${pair.server.down?.message}`);
      assert.equal(pair.client.down, undefined, `seed ${seed}: ${pair.client.down?.message}`);
      assert.ok(pair.server.isUp && pair.client.isUp, `seed ${seed}`);
      assertUp(pair);
    }
  });

  test(`${protocol}: over a bad line a wrong password never comes up and ends for a fitting reason`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const pair = new Pair(seed, BAD_LINE, ...ends(protocol), 'another').start();
      pair.run(180_000, () => pair.server.down !== undefined && pair.client.down !== undefined);
      assert.equal(pair.server.down?.reason, 'authentication-failed', `seed ${seed}`);
      // Where Failure and every Terminate-Request were lost the client only sees the call go.
      assert.match(pair.client.down?.reason ?? 'none', /^(authentication-failed|peer-terminated)$/, `seed ${seed}`);
      assert.equal(pair.client.authenticated, 0, `seed ${seed}`);
    }
  });
}

test('over a line that loses half of everything a link comes up or ends for want of answers, never as refused', () => {
  const line: Line = { ...BAD_LINE, loss: 0.5 };
  const silence = ['lcp-timeout', 'authentication-timeout', 'echo-timeout', 'no-network-protocol', 'peer-terminated'];
  for (const protocol of PROTOCOLS) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const pair = new Pair(seed, line, ...ends(protocol, ECHOES)).start();
      const isOver = () => pair.server.down !== undefined && pair.client.down !== undefined;
      pair.run(400_000, () => isOver() || (pair.server.isUp && pair.client.isUp));
      assert.ok(isOver() || (pair.server.isUp && pair.client.isUp), `${protocol}, seed ${seed}: neither up nor down`);
      for (const { down } of [pair.server, pair.client]) {
        assert.ok(down === undefined || silence.includes(down.reason), `${protocol}, seed ${seed}: ${down?.reason}`);
      }
    }
  }
});

test('over a bad line a close ends both ends, as local-close here and peer-terminated there', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const pair = new Pair(seed, BAD_LINE, ...ends('chap-md5')).start();
    pair.run(180_000, () => pair.server.isUp && pair.client.isUp);
    pair.client.link.close('good bye', pair.now_ms);
    pair.run(60_000, () => pair.server.down !== undefined && pair.client.down !== undefined);
    assert.equal(pair.client.down?.reason, 'local-close', `seed ${seed}`);
    assert.equal(pair.server.down?.reason, 'peer-terminated', `seed ${seed}`);
  }
});

test('repeated challenges over a bad line leave the link up', () => {
  for (let seed = 0; seed < 30; seed++) {
    const [server, client] = ends('mschapv2');
    const authenticator = { protocols: ['mschapv2'] as const, name: 'lns', rechallengeInterval_ms: 20_000 };
    const pair = new Pair(seed, { ...BAD_LINE, loss: 0.1 }, { ...server, authenticator }, client).start();
    pair.run(300_000);
    pair.run(60_000, () => pair.server.isUp && pair.client.isUp);
    assertUp(pair);
    assert.ok(pair.server.questions > 5, `seed ${seed}: ${pair.server.questions} questions`);
  }
});

test('a line that goes dead is noticed by the echoes of both ends', () => {
  const line = { ...PERFECT_LINE };
  const pair = new Pair(7, line, ...ends('pap', ECHOES)).start().run(100_000);
  assertUp(pair);
  line.loss = 1;
  pair.run(100_000);
  assert.equal(pair.server.down?.reason, 'echo-timeout');
  assert.match(pair.client.down?.reason ?? 'none', /^(echo-timeout|peer-terminated)$/);
});

test('the client moves the server to what it allows', () => {
  const server = lns(['mschapv2', 'chap-md5', 'pap'], { ipv6: true });
  const client = { ...CLIENT, ipv6: true, peer: { name: 'alice', password: 'secret', allow: ['pap'] as const } };
  assertUp(new Pair(1, PERFECT_LINE, server, client).start().run(3000));
});

test('a server and a client that allow nothing in common end as negotiation-failed', () => {
  const client = { ...CLIENT, peer: { name: 'alice', password: 'secret', allow: ['pap'] as const } };
  const pair = new Pair(1, PERFECT_LINE, lns(['mschapv2']), client).start().run(10_000);
  assert.equal(pair.server.down?.reason, 'negotiation-failed');
  assert.equal(pair.client.down?.reason, 'peer-terminated');
});

test('both ends may ask who the other is', () => {
  const [server, client] = ends('chap-md5');
  const pair = new Pair(
    3,
    PERFECT_LINE,
    { ...server, peer: { name: 'alice', password: 'secret', allow: ['mschapv2'] } },
    { ...client, authenticator: { protocols: ['mschapv2'], name: 'branch' } },
  );
  pair.start().run(3000);
  assertUp(pair);
  assert.equal(pair.server.authenticated, 2);
  assert.equal(pair.client.authenticated, 2);
});
