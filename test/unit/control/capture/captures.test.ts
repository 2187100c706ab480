/** Which sessions a capture has, as calls come, get a name and go; and whose a control message or frame is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Captures } from '../../../../firmware/control/capture/captures.js';
import { Parties } from '../../../../firmware/control/capture/parties.js';
import type { CaptureFilter } from '../../../../firmware/control/view.js';
import type { DataPlaneCommand } from '../../../../firmware/dataplane/interface.js';
import type { TunnelStatus } from '../../../../firmware/protocol/l2tp/events.js';
import type { CallInfo } from '../../../../firmware/roles/role.js';
import { lnsRow } from '../../dataplane/harness.js';
import { captured } from './packets.js';

const PATH = lnsRow().path;

/** A call at the LNS with the user name that is given, or at the LAC where its row is not its L2TP session. */
function call(sessionId: number, userName: string, { tunnelId = 815, l2tpSessionId = sessionId } = {}): CallInfo {
  const known = { sessionId, generation: sessionId, userName, tunnelId, l2tpSessionId, peerSessionId: sessionId + 1 };
  return { ...known, path: PATH, pppoe: undefined } as CallInfo;
}

class Box {
  readonly calls = new Map<number, CallInfo>();
  readonly commands: DataPlaneCommand[] = [];
  readonly captures = new Captures({
    turn: (act) => act(),
    push: (command) => void this.commands.push(command),
    calls: () => this.calls.values(),
    callOf: (sessionId) => this.calls.get(sessionId),
    pseudowires: () => [],
    tunnel: (tunnelId) => ({ tunnelId, peerTunnelId: 12, path: PATH }) as TunnelStatus,
    about: { localPort: 1701, program: 'tunnelwerk test', hardware: 'test' },
  });

  add(info: CallInfo): void {
    this.calls.set(info.sessionId, info);
    const { sessionId, generation } = info;
    this.captures.follow({ type: 'session-add', row: lnsRow({ sessionId, generation }) });
  }

  async begin(filter: CaptureFilter): Promise<number> {
    const request = { size_bytes: 65_536, snap_bytes: 65_535, withoutSecrets: true, withoutPayload: false };
    const begun = await this.captures.start({ filter, ...request });
    if (typeof begun === 'string') throw new Error(begun);
    return begun.id;
  }

  /** What the packet path was told of sessions since last asked. */
  marks(): string[] {
    const told = this.commands.splice(0);
    return told.flatMap((it) => (it.type === 'capture-session' ? `${it.capture}: ${it.sessionId} ${it.mark}` : []));
  }
}

describe('the sessions of a capture', () => {
  test('of a user: those that stand, and those that come; one without a name yet is kept apart until it has one', async () => {
    const box = new Box();
    box.add(call(1, 'alice'));
    box.add(call(2, 'bob'));
    const id = await box.begin({ user: 'alice' });
    assert.deepEqual(box.marks(), ['0: 1 packets']);
    box.add(call(3, ''));
    box.add(call(4, ''));
    assert.deepEqual(box.marks(), ['0: 3 signalling', '0: 4 signalling']);
    box.calls.set(3, call(3, 'alice'));
    box.captures.look();
    box.captures.follow({ type: 'call-up', call: call(4, 'bob') });
    assert.deepEqual(box.marks(), ['0: 3 packets', '0: 4 none']);
    assert.equal((await box.captures.get(id))?.sessions, 2);
    box.captures.follow({ type: 'session-remove', sessionId: 1, generation: 1 });
    assert.equal((await box.captures.get(id))?.sessions, 1);
  });

  test('of a tunnel: all its sessions in L2TP, and later ones', async () => {
    const box = new Box();
    box.add(call(1, 'alice'));
    box.add(call(2, 'bob', { tunnelId: 816 }));
    box.add(call(0xf000_0001, 'carol', { l2tpSessionId: 5 }));
    await box.begin({ tunnelId: 815 });
    box.add(call(6, 'dora'));
    assert.deepEqual(box.marks(), ['0: 1 packets', '0: 5 packets', '0: 6 packets']);
  });

  test('of a session: both its rows at the LAC, by either ID, also when it comes later', async () => {
    for (const sessionId of [0xf000_0001, 5]) {
      const box = new Box();
      await box.begin({ sessionId });
      box.add(call(1, 'alice'));
      box.add(call(0xf000_0001, 'carol', { l2tpSessionId: 5 }));
      assert.deepEqual(box.marks().sort(), [`0: ${0xf000_0001} packets`, '0: 5 packets'].sort());
    }
  });

  test('a capture that is stopped follows nobody, and its number in the packet path is free for another', async () => {
    const box = new Box();
    const id = await box.begin({ user: 'alice' });
    await box.begin({ user: 'bob' });
    await box.captures.stop(id);
    await box.captures.stop(id);
    assert.deepEqual(
      box.commands.map(({ type }) => type),
      ['capture-open', 'capture-open', 'capture-close'],
    );
    box.marks();
    box.add(call(1, 'alice'));
    assert.deepEqual(box.marks(), []);
    await box.begin({ user: 'alice' });
    assert.deepEqual(box.marks(), ['0: 1 packets']);
  });
});

describe('whose a control message is', () => {
  const tunnel = { tunnelId: 0x0a0a, peerTunnelId: 0x0b0b, peerAddress: '192.0.2.1' };
  const session = { sessionId: 1, generation: 7, l2tpSessionId: 1, peerSessionId: 2, tunnel, pppoe: undefined };
  const message = (ids: string, avps: string, isSent = false) => {
    const length = (12 + avps.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0');
    return captured(`c802 ${length} ${ids} 0000 0000 ${avps}`, { isControl: true, isSent });
  };
  const type = (number: number) => `8008 0000 0000 ${number.toString(16).padStart(4, '0')}`;
  const assigned = (avp: number, value: string) => `8008 0000 ${avp.toString(16).padStart(4, '0')} ${value}`;
  const ofSession = new Parties();
  ofSession.note(session);
  const ofTunnel = new Parties();
  ofTunnel.noteTunnel(tunnel);

  for (const [what, packet, isSessions, isTunnels] of [
    ['SCCRQ that says the peer’s tunnel ID', message('0000 0000', type(1) + assigned(9, '0b0b')), true, true],
    ['SCCRQ of another tunnel', message('0000 0000', type(1) + assigned(9, '0b0c')), false, false],
    ['our SCCRP', message('0b0b 0000', type(2) + assigned(9, '0a0a'), true), true, true],
    ['HELLO', message('0a0a 0000', type(6)), false, true],
    ['an acknowledgment alone', message('0a0a 0000', ''), false, true],
    ['ICRQ that gives the peer’s session ID', message('0a0a 0000', type(10) + assigned(14, '0002')), true, true],
    ['ICRQ of another session', message('0a0a 0000', type(10) + assigned(14, '0003')), false, true],
    ['our ICRP to the peer’s session', message('0b0b 0002', type(11) + assigned(14, '0001'), true), true, true],
    ['CDN to our session', message('0a0a 0001', type(14)), true, true],
    ['CDN to another session', message('0a0a 0009', type(14)), false, true],
    ['CDN in another tunnel', message('0a0b 0001', type(14)), false, false],
    [
      'the same from another address',
      { ...message('0a0a 0001', type(14)), peerAddress: new Uint32Array(4) },
      false,
      false,
    ],
    ['what is cut', captured('c802 000c 0a0a', { isControl: true }), false, false],
  ] as const) {
    test(`${what}: ${isSessions ? 'the session’s' : 'not the session’s'}, ${isTunnels ? 'the tunnel’s' : 'not the tunnel’s'}`, () => {
      assert.deepEqual([ofSession.own(packet), ofTunnel.own(packet)], [isSessions, isTunnels]);
    });
  }

  test('data belongs to its session and generation', () => {
    const own = (generation: number) => ofSession.own(captured('0002 0a0a 0001', { sessionId: 1, generation }));
    assert.deepEqual([own(7), own(8)], [true, false]);
  });

  test('discovery belongs to its host, but for another session of the same host', () => {
    const parties = new Parties();
    parties.note({ ...session, pppoe: { peerMac: '02:00:5e:00:53:77', sessionId: 5 } });
    const frame = (text: string, isSent = false) => captured(text, { kind: 'frame', isControl: true, isSent });
    for (const [packet, isOurs] of [
      [frame('ffffffffffff 02005e005377 8863 11 09 0000 0000'), true],
      [frame('ffffffffffff 02005e005378 8863 11 09 0000 0000'), false],
      [frame('02005e005377 02005e005301 8863 11 65 0005 0000', true), true],
      [frame('02005e005377 02005e005301 8863 11 65 0006 0000', true), false],
      [frame('02005e005301 02005e005377 8864 11 00 0009 0000'), false],
    ] as const) {
      assert.equal(parties.own(packet), isOurs);
    }
  });
});
