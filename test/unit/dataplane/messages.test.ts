/** What one thread says the other hears, in the same order and with the same octets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DataPlaneCommand, TransportPath } from '../../../firmware/dataplane/interface.js';
import { CommandWriter, commandReader } from '../../../firmware/dataplane/messages.js';

const PATH: TransportPath = {
  ...{ encapsulation: 'udp', localAddress: '192.0.2.2', localPort: 1701, peerAddress: '192.0.2.1', peerPort: 4500 },
};

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const port = fc.integer({ min: 0, max: 0xffff });
const octets = fc.uint8Array({ maxLength: 200 });
const address = fc.constantFrom('', '192.0.2.1', '255.255.255.255', '2001:db8::1', 'fe80::1', '::1');
const path: fc.Arbitrary<TransportPath> = fc.record({
  ...{ encapsulation: fc.constantFrom('udp' as const, 'ip' as const) },
  ...{ localAddress: address, localPort: port, peerAddress: address, peerPort: port },
});
const command: fc.Arbitrary<DataPlaneCommand> = fc.oneof(
  fc.record({
    ...{ type: fc.constant('inject' as const), sessionId: word, generation: word, protocol: port },
    information: octets,
  }),
  fc.record({ type: fc.constant('send-control' as const), path, packet: octets }),
  fc.record({ type: fc.constant('send-frame' as const), interfaceIndex: word, frame: octets }),
  fc.record({ type: fc.constant('session-remove' as const), sessionId: word, generation: word }),
  fc.record({ type: fc.constant('tunnel-add' as const), tunnelId: port, path }),
  fc.record({ type: fc.constant('close-tun' as const), tun: port }),
);

/** Buffers are as good as any octets. */
function plain(commands: readonly DataPlaneCommand[]): unknown {
  return JSON.parse(JSON.stringify(commands, (_, part) => (part instanceof Uint8Array ? [...part] : part)));
}

test('commands of many turns come as they were given, whatever else is between them', () => {
  const [writer, reader] = [new CommandWriter(), commandReader()];
  fc.assert(
    fc.property(fc.array(command, { maxLength: 50 }), (commands) => {
      const message = structuredClone(writer.emit(commands));
      assert.deepEqual(plain(reader.parse(message)), plain(commands));
    }),
  );
});

test('a message has room for whatever a turn brings, and packets of up to 65,535 octets', () => {
  const [writer, reader] = [new CommandWriter(), commandReader()];
  const packet = new Uint8Array(65_535).map((_, index) => index % 251);
  const commands = Array.from({ length: 40 }, () => ({ type: 'send-control', path: PATH, packet }) as const);
  assert.deepEqual(plain(reader.parse(structuredClone(writer.emit(commands)))), plain(commands));
  assert.deepEqual(reader.parse(structuredClone(writer.emit([]))), []);
});

test('messages of one tunnel have one path between them', () => {
  const [writer, reader] = [new CommandWriter(), commandReader()];
  const send = { type: 'send-control', path: PATH, packet: Uint8Array.of(1) } as const;
  const heard = [1, 2].flatMap(() => reader.parse(structuredClone(writer.emit([send, send]))));
  const paths = new Set(heard.map((each) => (each.type === 'send-control' ? each.path : undefined)));
  assert.deepEqual([...paths], [PATH]);
});
