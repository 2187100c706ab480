/**
 * Users at FreeRADIUS: PAP, CHAP and MS-CHAPv2, what they get, where the LAC is told to carry them; a server that is
 * stopped and started again; Disconnect and CoA by radclient.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import type { Outcome } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { startFreeRadius } from './freeradius.js';
import { RadiusBox, type RadiusBoxArgument, type UserAnswer } from './radius-box.js';
import { judgeRadius } from './radius-capture.js';

const SECRET = 'shared';
const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
const COA_PORT = 3799;
const OPTIONS = { skip: labIsMissing(), timeout: 120_000 };
const PROTOCOLS = ['pap', 'chap-md5', 'mschapv2'] as const;

const AT_LNS = {
  name: 'alice',
  password: 'arctangent',
  reply: [
    'Framed-IP-Address = 10.1.2.3',
    'Framed-IP-Netmask = 255.255.255.248',
    'Framed-Route += "192.168.1.0/24 0.0.0.0 1"',
    'Framed-Route += "192.168.2.0/24 0.0.0.0 1"',
    'Framed-Pool = "gold"',
    'Framed-IPv6-Prefix = 2001:db8:1::/64',
    'Framed-Interface-Id = 1:2:3:4',
    'Framed-IPv6-Route = "2001:db8:106::/64 :: 1"',
    'Delegated-IPv6-Prefix = 2001:db8:100::/48',
    'Filter-Id += "web"',
    'Filter-Id += "mail"',
    'Session-Timeout = 3600',
    'Idle-Timeout = 600',
    'Acct-Interim-Interval = 900',
    'Class = 0x0102',
    'Reply-Message = "Welcome"',
    'MS-Primary-DNS-Server = 192.0.2.53',
    'MS-Secondary-DNS-Server = 192.0.2.54',
    'WISPr-Bandwidth-Max-Up = 1000000',
    'Mikrotik-Rate-Limit = "2M/8M"',
    'User-Name = "alice@example.net"',
  ],
};
const AT_LAC = {
  name: 'bob',
  password: 'hypotenuse',
  reply: [
    'Tunnel-Type:1 = L2TP',
    'Tunnel-Type:2 = L2TP',
    'Tunnel-Medium-Type:1 = IPv4',
    'Tunnel-Medium-Type:2 = IPv6',
    'Tunnel-Server-Endpoint:1 = "192.0.2.1"',
    'Tunnel-Server-Endpoint:2 = "2001:db8::2"',
    'Tunnel-Client-Endpoint:1 = "192.0.2.9"',
    'Tunnel-Password:1 = "of tunnel 1"',
    'Tunnel-Password:2 = "of tunnel 2, of more than sixteen octets"',
    'Tunnel-Assignment-Id:1 = "gold"',
    'Tunnel-Preference:1 = 20',
    'Tunnel-Preference:2 = 10',
    'Tunnel-Client-Auth-Id:1 = "lac"',
    'Tunnel-Server-Auth-Id:1 = "lns"',
  ],
};

/** All that passes is judged by tshark in the end. */
async function inLab(run: (lab: Lab, namespace: Namespace) => Promise<void>): Promise<void> {
  const lab = await Lab.open();
  try {
    const namespace = await lab.namespace('radius');
    const capture = await Capture.start(lab, namespace, 'lo', 'radius', 'udp');
    await run(lab, namespace);
    const path = await capture.stop();
    const { packets, complaints } = await judgeRadius(path, SECRET);
    assert.deepEqual(complaints, []);
    assert.ok(packets.length > 0 && !packets.includes('no RADIUS'), packets.join());
    if (packets.includes('Access-Accept')) {
      assert.ok((await judgeRadius(path, 'another secret')).complaints.length > 0, 'the judge looks at authenticators');
    }
  } finally {
    await lab.close();
  }
}

const server = (address: string) => ({
  ...{ address, port: 1812, secret: SECRET, requireMessageAuthenticator: true, statusServer: true },
});

function summary({ answer, authorization }: UserAnswer) {
  return { accepted: answer.accepted, message: answer.message, address: authorization?.address };
}

test('FreeRADIUS says who a user is and what it gets, by PAP, CHAP and MS-CHAPv2', OPTIONS, async () => {
  await inLab(async (lab, namespace) => {
    const clients = '127.0.0.0/8';
    const daemon = await startFreeRadius(lab, {
      namespace,
      address: FIRST,
      clients,
      secret: SECRET,
      users: [AT_LNS, AT_LAC],
    });
    const box = await RadiusBox.start(namespace, { radius: { authentication: [server(FIRST)], nasIdentifier: 'box' } });
    const { name, password } = AT_LNS;
    for (const protocol of PROTOCOLS) {
      const accepted = await box.authenticate({ protocol, name, password });
      assert.deepEqual(summary(accepted), { accepted: true, message: 'Welcome', address: '10.1.2.3' }, protocol);
      const { authorization, answer } = accepted;
      assert.deepEqual(
        { ...authorization, class: undefined, interfaceId: undefined },
        {
          tunnels: [],
          address: '10.1.2.3',
          pool: 'gold',
          routes: ['10.1.2.0/29', '192.168.1.0/24', '192.168.2.0/24', '2001:db8:106::/64'],
          dns: ['192.0.2.53', '192.0.2.54'],
          nbns: [],
          interfaceId: undefined,
          ipv6Prefixes: ['2001:db8:1::/64'],
          delegatedPrefixes: ['2001:db8:100::/48'],
          filters: ['web', 'mail'],
          sessionTimeout_s: 3600,
          idleTimeout_s: 600,
          interimInterval_s: 900,
          receiveRate_bps: 1_000_000,
          sendRate_bps: 8_000_000,
          class: undefined,
          userName: 'alice@example.net',
        },
      );
      assert.deepEqual(Object.values(authorization!.class[0]!), [1, 2]);
      assert.deepEqual(Object.values(authorization!.interfaceId), [0, 1, 0, 2, 0, 3, 0, 4]);
      assert.ok(answer.accepted);
      if (protocol === 'mschapv2') assert.match(answer.authenticatorResponse ?? '', /^S=[0-9A-F]{40}$/);
      const refused = await box.authenticate({ protocol, name, password: 'wrong' });
      assert.deepEqual([refused.answer.accepted, refused.authorization], [false, undefined], protocol);
    }
    // Fails when a server of ours sends what it dropped: a reply that is not signed, or not by this secret.
    const [view] = (await box.views()).servers;
    assert.deepEqual([view.requests, view.replies, view.noReplies], [6, 6, 0]);
    assert.ok(
      Object.values(view.drops).every((count) => count === 0),
      JSON.stringify(view.drops),
    );
    assert.equal(daemon.lines().filter((line) => line.includes('Login OK')).length, 3);
  });
});

test(
  'FreeRADIUS tells the LAC the tunnels of a user; what the settings say of an LNS counts too',
  OPTIONS,
  async () => {
    await inLab(async (lab, namespace) => {
      const clients = '127.0.0.0/8';
      await startFreeRadius(lab, { namespace, address: FIRST, clients, secret: SECRET, users: [AT_LNS, AT_LAC] });
      const known = {
        ...{ server: '2001:db8::2', preference: 0, port: 1702, encapsulation: 'ip' as const, digest: 'sha1' as const },
        ...{ cookie_bytes: 4 as const, sequencing: true, secret: 'not this one' },
      };
      const tunnelGroups = [{ name: 'group', servers: [known] }];
      const box = await RadiusBox.start(namespace, { radius: { authentication: [server(FIRST)] }, tunnelGroups });
      for (const protocol of PROTOCOLS) {
        const { name, password } = AT_LAC;
        const { answer, authorization } = await box.authenticate({ role: 'lac', protocol, name, password });
        assert.ok(answer.accepted);
        assert.deepEqual(authorization!.tunnels, [
          {
            ...{ preference: 20, server: '192.0.2.1', localAddress: '192.0.2.9', port: 1701, encapsulation: 'udp2' },
            ...{ secret: 'of tunnel 1', digest: 'md5', assignmentId: 'gold', hostName: 'lac', peerHostName: 'lns' },
            ...{ cookie_bytes: 8, sequencing: false },
          },
          {
            ...{ preference: 10, server: '2001:db8::2', localAddress: '', port: 1702, encapsulation: 'ip' },
            ...{ secret: 'of tunnel 2, of more than sixteen octets', digest: 'sha1', assignmentId: '', hostName: '' },
            ...{ peerHostName: '', cookie_bytes: 4, sequencing: true },
          },
        ]);
      }
    });
  },
);

test(
  'FreeRADIUS stopped: the next server is asked within the set time; started: the first is asked again',
  OPTIONS,
  async () => {
    await inLab(async (lab, namespace) => {
      const clients = '127.0.0.0/8';
      const common = { namespace, clients, secret: SECRET };
      const start = (address: string, greeting: string) =>
        startFreeRadius(lab, {
          ...{ ...common, address, name: `server-${address}` },
          users: [{ name: 'alice', password: 'arctangent', reply: [`Reply-Message = "${greeting}"`] }],
        });
      let first = await start(FIRST, 'from the first');
      await start(SECOND, 'from the second');
      const radius: Partial<RadiusBoxArgument['radius']> = {
        authentication: [server(FIRST), server(SECOND)],
        ...{ initialRetransmission_ms: 300, transmissionsPerServer: 2, timeout_s: 10, deadTime_s: 1 },
      };
      const box = await RadiusBox.start(namespace, { radius });
      const alice = { protocol: 'chap-md5', name: 'alice', password: 'arctangent' } as const;
      assert.equal((await box.authenticate(alice)).answer.message, 'from the first');

      await first.stop('SIGKILL');
      const moved = await box.authenticate(alice);
      assert.equal(moved.answer.message, 'from the second');
      // 300 ms and 600 ms (RFC 5080 section 2.2.1), a tenth of jitter, and the time that a busy machine takes.
      assert.ok(moved.took_ms > 750 && moved.took_ms < 2_500, `${moved.took_ms} ms`);
      const next = await box.authenticate(alice);
      assert.equal(next.answer.message, 'from the second');
      assert.ok(next.took_ms < 750, `a dead server is not asked first: ${next.took_ms} ms`);
      assert.deepEqual(box.said(), ['RADIUS server does not answer']);

      first = await start(FIRST, 'from the first again');
      await until('Status-Server is answered', 20_000, async () => (await box.views()).servers[0]!.state === 'alive');
      assert.equal((await box.authenticate(alice)).answer.message, 'from the first again');
      assert.deepEqual(box.said(), ['RADIUS server does not answer', 'RADIUS server is asked again']);
    });
  },
);

test('six hundred users at once, more than two source ports have identifiers for, are answered', OPTIONS, async () => {
  await inLab(async (lab, namespace) => {
    const clients = '127.0.0.0/8';
    const users = Array.from({ length: 600 }, (_, n) => ({ name: `user${n}`, password: `password${n}` }));
    await startFreeRadius(lab, { namespace, address: FIRST, clients, secret: SECRET, users });
    const box = await RadiusBox.start(namespace, { radius: { authentication: [server(FIRST)], sourcePorts: 2 } });
    const answers = await Promise.all(users.map((user) => box.authenticate({ protocol: 'chap-md5', ...user })));
    assert.ok(answers.every(({ answer }) => answer.accepted));
    const [view] = (await box.views()).servers;
    assert.deepEqual([view.requests, view.replies, view.noReplies, view.state], [600, 600, 0, 'alive']);
  });
});

test('no server at all: the user is refused when the time is over, and told so', OPTIONS, async () => {
  await inLab(async (_lab, namespace) => {
    const radius = { authentication: [server(FIRST)], initialRetransmission_ms: 200, timeout_s: 2 };
    const box = await RadiusBox.start(namespace, { radius });
    const { answer, took_ms } = await box.authenticate({ protocol: 'pap', name: 'alice', password: 'x' });
    assert.deepEqual(answer, { accepted: false, message: 'Authentication server does not answer' });
    assert.ok(took_ms > 1_900 && took_ms < 4_000, `${took_ms} ms`);
  });
});

test('radclient ends and changes calls in under a second, and is told why not', OPTIONS, async () => {
  await inLab(async (_lab, namespace) => {
    const clients = [{ address: FIRST, secret: SECRET, requireMessageAuthenticator: true }];
    const box = await RadiusBox.start(namespace, {
      radius: { nasIdentifier: 'box', dynamicAuthorization: { port: COA_PORT, clients } },
      filters: [{ name: 'web', rules: [], otherwise: 'accept' }],
      calls: [
        { callId: 1, userName: 'alice', peerAddress: '10.0.0.1', accountingId: '0000000100000001' },
        { callId: 2, userName: 'bob', peerAddress: '10.0.0.2', accountingId: '0000000100000002' },
        { callId: 3, userName: 'bob', peerAddress: '10.0.0.3', accountingId: '0000000100000003' },
      ],
    });
    const radclient = (type: 'coa' | 'disconnect', attributes: string, secret = SECRET): Promise<Outcome> => {
      const input = `${attributes}, Message-Authenticator = 0x00\n`;
      const argv = ['radclient', '-x', '-r', '1', '-t', '2', `${FIRST}:${COA_PORT}`, type, secret];
      return namespace.run(argv, { input, mayFail: true });
    };
    const from = box.mark();
    const began_ms = performance.now();
    const change = await radclient(
      'coa',
      'User-Name = "alice", Filter-Id = "web", Session-Timeout = 60, Mikrotik-Rate-Limit = "1M/2M"',
    );
    assert.match(change.stdout, /Received CoA-ACK/);
    const disconnect = await radclient('disconnect', 'Acct-Session-Id = "0000000100000003", NAS-Identifier = "box"');
    assert.match(disconnect.stdout, /Received Disconnect-ACK/);
    const took_ms = performance.now() - began_ms;
    assert.ok(took_ms < 1_000, `${took_ms} ms for both`);
    assert.deepEqual(box.done(from), [
      {
        changed: '0000000100000001',
        change: { receiveRate_bps: 1_000_000, sendRate_bps: 2_000_000, filters: ['web'], sessionTimeout_s: 60 },
      },
      { ended: '0000000100000003', reason: 'disconnected by RADIUS' },
    ]);

    const after = box.mark();
    for (const [type, attributes, cause] of [
      ['disconnect', 'User-Name = "bob"', 'Multiple-Session-Selection-Unsupported'],
      ['disconnect', 'User-Name = "carol"', 'Session-Context-Not-Found'],
      ['disconnect', 'User-Name = "alice", NAS-Identifier = "other"', 'NAS-Identification-Mismatch'],
      ['disconnect', 'NAS-Identifier = "box"', 'Missing-Attribute'],
      ['coa', 'User-Name = "alice", Framed-Pool = "gold"', 'Unsupported-Attribute'],
      ['coa', 'User-Name = "alice", Filter-Id = "none"', 'Invalid-Attribute-Value'],
      ['coa', 'User-Name = "alice", Service-Type = Authorize-Only', 'Unsupported-Service'],
    ] as const) {
      const { stdout } = await radclient(type, attributes);
      assert.match(stdout, type === 'coa' ? /Received CoA-NAK/ : /Received Disconnect-NAK/, attributes);
      assert.match(stdout, new RegExp(`Error-Cause = ${cause}`), attributes);
    }
    const stranger = await radclient('disconnect', 'User-Name = "alice"', 'guess');
    assert.doesNotMatch(stranger.stdout, /Received/);
    assert.deepEqual(box.done(after), []);
    const { dynamicAuthorization } = await box.views();
    assert.deepEqual(
      [dynamicAuthorization?.acknowledged, dynamicAuthorization?.refused, dynamicAuthorization?.drops],
      [2, 7, { ...dynamicAuthorization?.drops, 'authenticator-wrong': 1 }],
    );
  });
});
