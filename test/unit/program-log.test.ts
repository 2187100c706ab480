/** The program's log: parts and levels that change while it runs, the ring, and syslog over a real socket. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { LogRing } from '../../firmware/control/log-ring.js';
import { ProgramLog } from '../../firmware/program-log.js';
import type { Settings } from '../../firmware/settings.js';
import { LOG_PARTS } from '../../firmware/settings-box.js';
import { syslogMessage } from '../../firmware/syslog.js';
import { until } from '../lab/until.js';
import { temporaryStore } from './store/temporary-store.js';

interface Opened {
  log: ProgramLog;
  ring: LogRing;
  /** What went to the standard output. */
  lines: string[];
  configure(logs: Partial<Settings['logs']>): void;
}

function openLog(t: TestContext, resolve = (host: string) => Promise.resolve(host)): Opened {
  const ring = new LogRing(10);
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line), flushSync: () => undefined };
  const log = new ProgramLog(output, ring, { resolve, processId: 42 });
  t.after(() => log.close());
  const { documents } = temporaryStore(t).store;
  const configure = (logs: Partial<Settings['logs']>) => {
    const written = documents.writeSettings({ logs, system: { hostName: 'lns1' } }, 'test');
    if (!written.ok) throw new Error(JSON.stringify(written.problems));
    log.configure(written.value);
  };
  configure({});
  return { log, ring, lines, configure };
}

const ALL = { limit: 100, level: 'debug', part: '', before: Number.MAX_SAFE_INTEGER, contains: '' } as const;

test('each line says which part of the program wrote it', (t) => {
  const { log, ring, lines } = openLog(t);
  for (const part of LOG_PARTS) log.part(part).info({ of: part }, `hello`);
  log.root.warn('of none');
  const read = ring.read(ALL);
  assert.deepEqual(
    read.map(({ part, level, message }) => [part, level, message]),
    [['', 'warn', 'of none'], ...[...LOG_PARTS].reverse().map((part) => [part, 'info', 'hello'])],
  );
  assert.deepEqual(read.at(-1)?.fields, { of: 'control' });
  assert.equal(lines.length, LOG_PARTS.length + 1);
});

test('levels change at once, for all parts or for one', (t) => {
  const { log, ring, configure } = openLog(t);
  const said = () => {
    const before = ring.read(ALL)[0]?.sequence ?? 0;
    for (const part of ['control', 'radius'] as const) {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log.part(part)[level](`${part} ${level}`);
    }
    return ring
      .read(ALL)
      .filter(({ sequence }) => sequence > before)
      .map(({ message }) => message)
      .reverse();
  };
  assert.deepEqual(said(), [
    ...['control info', 'control warn', 'control error', 'radius info', 'radius warn', 'radius error'],
  ]);
  configure({ level: 'error', parts: { radius: 'debug' } });
  assert.deepEqual(said(), ['control error', 'radius debug', 'radius info', 'radius warn', 'radius error']);
  configure({});
  assert.equal(said().length, 6);
});

test('the ring keeps the last lines, and gives those that are asked for, the newest first', (t) => {
  const { log, ring } = openLog(t);
  for (let n = 1; n <= 25; n++)
    log.part(n % 2 ? 'control' : 'api')[n % 5 ? 'info' : 'error']({ user: `user${n}` }, 'x');
  const sequences = (query: object) => ring.read({ ...ALL, ...query }).map(({ sequence }) => sequence);
  assert.deepEqual(sequences({}), [25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
  assert.deepEqual(sequences({ limit: 2 }), [25, 24]);
  assert.deepEqual(sequences({ before: 18 }), [17, 16]);
  assert.deepEqual(sequences({ part: 'api' }), [24, 22, 20, 18, 16]);
  assert.deepEqual(sequences({ level: 'warn' }), [25, 20]);
  assert.deepEqual(sequences({ contains: 'USER21' }), [21]);
  // What every line has is not what is sought.
  assert.deepEqual(sequences({ contains: 'level' }), []);
});

async function syslogServer(t: TestContext): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return { socket, port: socket.address().port };
}

test('a syslog server gets each line, those of before its address was known too', async (t) => {
  const { socket, port } = await syslogServer(t);
  const asked: string[] = [];
  const { log, configure } = openLog(t, (host) => {
    asked.push(host);
    return Promise.resolve('127.0.0.1');
  });
  configure({ syslog: { server: 'syslog.example', port, facility: 17 } });
  const first = once(socket, 'message');
  log.part('radius').warn({ address: '192.0.2.1' }, 'RADIUS server does not answer');
  const [message] = (await first) as [Buffer];
  assert.match(
    message.toString(),
    /^<140>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z lns1 tunnelwerk 42 radius - RADIUS server does not answer {"address":"192\.0\.2\.1"}$/,
  );
  const second = once(socket, 'message');
  log.root.info('more');
  assert.match(String((await second)[0]), /^<142>1 .* tunnelwerk 42 - - more$/);
  // Never for a line.
  assert.deepEqual(asked, ['syslog.example']);
});

test('a syslog server that is not found is a problem until it is taken out', async (t) => {
  const { log, configure } = openLog(t, () => Promise.reject(new Error('no such name')));
  configure({ syslog: { server: 'nowhere.example', port: 514, facility: 16 } });
  await until('the problem is told', 2_000, async () => log.problems().length > 0);
  assert.match(log.problems()[0].what, /nowhere\.example.*no such name/);
  for (let n = 0; n < 1_000; n++) log.root.info('waits in vain');
  configure({});
  assert.deepEqual(log.problems(), []);
});

test('a syslog message is one line of bounded length, whatever a peer has put into it', () => {
  const from = { hostName: 'a b\u00e4\n', processId: 1, facility: 23 };
  const line = { sequence: 1, time: '2026-01-02T03:04:05.678Z', level: 'fatal', part: '', message: 'x\ny\0' } as const;
  assert.equal(
    syslogMessage({ ...line, fields: { user: 'eve\n<0>1' } }, from).toString(),
    '<186>1 2026-01-02T03:04:05.678Z ab tunnelwerk 1 - - x y  {"user":"eve\\n<0>1"}',
  );
  for (const more of ['', 'x', 'xx', 'xxx']) {
    const long = syslogMessage({ ...line, message: more + '€'.repeat(3_000), fields: {} }, from);
    assert.ok(long.length > 2_040 && long.length <= 2_048);
    assert.doesNotMatch(long.toString(), /\ufffd/);
  }
});
