/** The commands, each with what it is called by and what it does. Must not read the command line. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { SessionList } from '../api/session-list.js';
import type { CallTrace, Ladder } from '../api/traces.js';
import type { UpdateStatus } from '../api/update.js';
import { type Client, CommandError, UsageError } from './client.js';
import { ladderText } from './ladder-text.js';
import { octets, since, table } from './text.js';

export interface Call {
  client: Client;
  /** What stands behind the command's name. */
  args: readonly string[];
  options: Options;
  print(text: string): void;
}

export interface Options {
  json: boolean;
  failed: boolean;
  fields: boolean;
  follow: boolean;
  yes: boolean;
  older: boolean;
  join: string;
  user: string | undefined;
  session: string | undefined;
  tunnel: string | undefined;
  output: string | undefined;
  'passphrase-file': string | undefined;
}

export interface Command {
  usage: string;
  what: string;
  /** How many words it takes: at least, at most. */
  takes: readonly [number, number];
  run(call: Call): Promise<void>;
}

type Document = Record<string, unknown>;

/** Shows a document: as JSON where that is asked for, else in the command's own words. */
async function show<T>({ client, options, print }: Call, path: string, words: (document: T) => string): Promise<void> {
  const document = await client.demand<T>('GET', path);
  print(options.json ? JSON.stringify(document, null, 2) : words(document));
}

const part = (name: string): string => encodeURIComponent(name);

export const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    usage: 'status',
    what: 'how the box is, and what needs attention',
    takes: [0, 0],
    run: (call) => show<Document>(call, '/overview', overviewText),
  },
  sessions: {
    usage: 'sessions [TEXT]',
    what: 'the calls that stand, those with TEXT in user, address or caller',
    takes: [0, 1],
    run: sessions,
  },
  session: {
    usage: 'session ID',
    what: 'one call, with all that is known of it',
    takes: [1, 1],
    run: (call) => show<Document>(call, `/sessions/${part(call.args[0]!)}`, pairs),
  },
  disconnect: {
    usage: 'disconnect ID',
    what: 'ends a call',
    takes: [1, 1],
    async run({ client, args, print, options }) {
      await client.demand('DELETE', `/sessions/${part(args[0]!)}`);
      if (!options.json) print('the call ends');
    },
  },
  tunnels: {
    usage: 'tunnels',
    what: 'the tunnels that stand',
    takes: [0, 0],
    run: (call) =>
      show<Document[]>(call, '/tunnels', (all) =>
        columns(all, ['tunnelId', 'peerHostName', 'peerAddress', 'state', 'version', 'sessions']),
      ),
  },
  traces: {
    usage: 'traces [--failed] [--user TEXT]',
    what: 'the last calls, and those that failed, with the reason',
    takes: [0, 0],
    run: (call) => {
      const { failed, user = '' } = call.options;
      return show<CallTrace[]>(call, `/traces?outcome=${failed ? 'failed' : ''}&user=${part(user)}`, tracesText);
    },
  },
  trace: {
    usage: 'trace ID [--fields] [--join none]',
    what: 'the ladder of a call: who said what to whom, in fourteen steps',
    takes: [1, 1],
    run: (call) => {
      const path = `/traces/${part(call.args[0]!)}/ladder?join=${part(call.options.join)}`;
      return show<Ladder>(call, path, (ladder) =>
        ladderText(ladder, process.stdout.columns ?? 100, call.options.fields),
      );
    },
  },
  capture: {
    usage:
      'capture start (--user NAME | --session ID | --tunnel ID) | list | stop ID | get ID --output FILE | delete ID',
    what: 'packets of a call, for Wireshark',
    takes: [1, 2],
    run: capture,
  },
  settings: {
    usage: 'settings get [POINTER] | set POINTER VALUE | export | import FILE',
    what: 'what is set; POINTER as in /lns/enabled, VALUE as JSON or text',
    takes: [1, 3],
    run: settings,
  },
  users: {
    usage: 'users',
    what: 'who may call',
    takes: [0, 0],
    run: (call) => show<Document[]>(call, '/users', (all) => columns(all, ['name', 'enabled', 'pool', 'fixedAddress'])),
  },
  log: {
    usage: 'log [--follow]',
    what: 'the last lines of the log, and those that come',
    takes: [0, 0],
    run: log,
  },
  backup: {
    usage: 'backup --output FILE [--passphrase-file FILE]',
    what: 'settings, users and pools with their secrets, sealed by a passphrase',
    takes: [0, 0],
    async run({ client, options, print }) {
      if (options.output === undefined) throw new UsageError('backup needs --output FILE');
      const backup = await client.demand('POST', '/backup', { passphrase: await passphrase(options) });
      writeFileSync(options.output, JSON.stringify(backup), { mode: 0o600 });
      print(`written to ${options.output}`);
    },
  },
  restore: {
    usage: 'restore FILE [--passphrase-file FILE] [--yes]',
    what: 'puts a backup in the place of settings, users and pools',
    takes: [1, 1],
    async run({ client, args, options, print }) {
      const backup = parsed(await text(args[0]!), args[0]!);
      await confirmed(options, 'settings, users and pools of the box are replaced');
      const answer = await client.demand('POST', '/backup/restore', { passphrase: await passphrase(options), backup });
      print(options.json ? JSON.stringify(answer ?? {}) : 'restored');
    },
  },
  'password-reset': {
    usage: 'password-reset [--yes]',
    what: 'at the box itself: forgets all passwords, so that its page asks for a first one',
    takes: [0, 0],
    async run({ client, options, print }) {
      await confirmed(options, 'all passwords are forgotten, and all browsers signed out');
      await client.demand('DELETE', '/accounts');
      print('the page of the box asks for a new password now');
    },
  },
  update: {
    usage: 'update FILE [--older] [--yes]',
    what: 'installs an update bundle in the other slot of a board; it runs after a reboot',
    takes: [1, 1],
    run: update,
  },
  slots: {
    usage: 'slots',
    what: 'of a board: which image runs, and what is in the slots',
    takes: [0, 0],
    run: (call) =>
      show<UpdateStatus>(call, '/system/update', ({ board, version, booted, slots }) =>
        [
          `${board} runs ${version} from slot ${booted}`,
          columns(slots, ['name', 'version', 'state', 'triesLeft']),
        ].join('\n'),
      ),
  },
  reboot: {
    usage: 'reboot [--yes]',
    what: 'starts a board anew',
    takes: [0, 0],
    async run({ client, options }) {
      await confirmed(options, 'all calls end');
      await client.demand('POST', '/system/reboot');
    },
  },
  'factory-reset': {
    usage: 'factory-reset [--yes]',
    what: 'of a board: forgets everything that is set, and starts it anew',
    takes: [0, 0],
    async run({ client, options }) {
      await confirmed(options, 'settings, users, accounts, leases and history are lost');
      await client.demand('POST', '/system/factory-reset', { confirm: 'RESET' });
    },
  },
  version: {
    usage: 'version',
    what: 'of the box',
    takes: [0, 0],
    run: (call) => show<Document>(call, '/system', ({ version, hostName }) => `${hostName}: tunnelwerk ${version}`),
  },
};

const ASK_EVERY_MS = 1_000;

async function update({ client, args, options, print }: Call): Promise<void> {
  const file = args[0]!;
  const octets = await readFile(file).catch((error: Error) => {
    throw new CommandError(`${file} cannot be read: ${error.message}`);
  });
  await confirmed(options, `${file} is installed in the slot that does not run`);
  await client.demand('PUT', `/system/update?older=${options.older}`, octets);
  let said = '';
  for (;;) {
    const { update } = await client.demand<UpdateStatus>('GET', '/system/update');
    const { state, progress_percent, message, version } = update;
    const line = `${state} ${progress_percent} %${message && `, ${message}`}`;
    if (line !== said && state === 'installing' && !options.json) print(line);
    said = line;
    if (state === 'failed') throw new CommandError(message);
    if (state === 'installed') {
      print(options.json ? JSON.stringify(update) : `version ${version} is installed; reboot to run it`);
      return;
    }
    await setTimeout(ASK_EVERY_MS);
  }
}

async function sessions({ client, args: [wanted = ''], options, print }: Call): Promise<void> {
  const { columns: names, rows } = await client.demand<SessionList>('GET', '/session-list');
  const all = rows.map(
    (row) => Object.fromEntries(names.map((name, at) => [name, row[at]])) as Record<string, string | number>,
  );
  const found = all.filter(({ user, address, callingNumber, peerAddress }) =>
    [user, address, callingNumber, peerAddress].some((each) =>
      String(each).toLowerCase().includes(wanted.toLowerCase()),
    ),
  );
  if (options.json) {
    print(JSON.stringify(found, null, 2));
    return;
  }
  const now_ms = Date.now();
  const cells = found.map((row) => [
    ...[row.sessionId!, row.user || '-', row.address || '-', row.callingNumber || String(row.peerAddress), row.state!],
    ...[since(String(row.since), now_ms), octets(Number(row.receivedOctets)), octets(Number(row.sentOctets))],
  ]);
  print(table(['ID', 'user', 'address', 'caller', 'state', 'for', 'received', 'sent'], cells));
}

function overviewText(overview: Document): string {
  const attention = overview.attention as { severity: string; text: string }[];
  const { received_bps, sent_bps, callsUp, setupsPerMinute, failuresPerMinute, cpu_percent } = overview as Record<
    string,
    number
  >;
  return [
    `calls up            ${callsUp}`,
    `set up, failed      ${setupsPerMinute}, ${failuresPerMinute} a minute`,
    `from and to users   ${octets(received_bps! / 8)}/s, ${octets(sent_bps! / 8)}/s`,
    `processor           ${cpu_percent!.toFixed(1)} % of one`,
    ...(attention.length === 0
      ? ['', 'nothing needs attention']
      : ['', ...attention.map(({ severity, text }) => `${severity}: ${text}`)]),
  ].join('\n');
}

function tracesText(traces: CallTrace[]): string {
  const rows = traces.map(({ traceId, startedAt, role, user, outcome, failure }) => [
    ...[traceId, startedAt, role, user || '-', outcome, failure?.text ?? ''],
  ]);
  return table(['ID', 'began', 'role', 'user', 'outcome', 'why'], rows);
}

const columns = (all: readonly Document[], names: readonly string[]): string =>
  table(
    names,
    all.map((each) =>
      names.map((name) => (typeof each[name] === 'number' ? (each[name] as number) : String(each[name] ?? '-'))),
    ),
  );

/** `name: value` for each member, those of members indented. */
function pairs(document: Document, indent = ''): string {
  return Object.entries(document)
    .map(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? `${indent}${name}\n${pairs(value as Document, `${indent}  `)}`
        : `${indent}${name}: ${Array.isArray(value) ? value.join(', ') : value}`,
    )
    .join('\n');
}

async function capture(call: Call): Promise<void> {
  const { client, args, options, print } = call;
  const [verb, id = ''] = args;
  const one = `/captures/${part(id)}`;
  switch (verb) {
    case 'start': {
      const { user, session, tunnel } = options;
      const filters = [
        ...(user === undefined ? [] : [{ user }]),
        ...(session === undefined ? [] : [{ sessionId: Number(session) }]),
        ...(tunnel === undefined ? [] : [{ tunnelId: Number(tunnel) }]),
      ];
      if (filters.length !== 1) throw new UsageError('capture start takes one of --user, --session, --tunnel');
      const made = await client.demand<{ id: number }>('POST', '/captures', { filter: filters[0] });
      print(options.json ? JSON.stringify(made) : `capture ${made.id} runs`);
      return;
    }
    case 'list':
      return show<Document[]>(call, '/captures', (all) =>
        columns(all, ['id', 'state', 'packets', 'octets', 'overwritten']),
      );
    case 'stop':
      await client.demand('POST', `${one}/stop`);
      return;
    case 'get': {
      const file = await client.download(`${one}/file`);
      if (options.output === undefined) process.stdout.write(file);
      else writeFileSync(options.output, file, { mode: 0o600 });
      return;
    }
    case 'delete':
      await client.demand('DELETE', one);
      return;
    default:
      throw new UsageError(`capture ${verb} is nothing; it takes start, list, stop, get or delete`);
  }
}

async function settings({ client, args, print }: Call): Promise<void> {
  const [verb, pointer = '', value] = args;
  const document = await client.demand<Document>('GET', '/settings');
  switch (verb) {
    case 'get':
    case 'export': {
      const found = at(document, pointer);
      if (found === undefined) throw new CommandError(`there is no setting ${pointer}`);
      print(JSON.stringify(found, null, 2));
      return;
    }
    case 'set': {
      if (pointer === '' || value === undefined) throw new UsageError('settings set takes POINTER and VALUE');
      put(document, pointer, jsonOrText(value));
      await apply(client, document, print);
      return;
    }
    case 'import':
      if (pointer === '') throw new UsageError('settings import takes a FILE');
      await apply(client, parsed(await text(pointer), pointer), print);
      return;
    default:
      throw new UsageError(`settings ${verb} is nothing; it takes get, set, export or import`);
  }
}

async function apply(client: Client, document: unknown, print: Call['print']): Promise<void> {
  const { problems } = await client.demand<{ problems: { what: string; advice: string }[] }>(
    'PUT',
    '/settings',
    document,
  );
  for (const { what, advice } of problems) print(`${what}; ${advice}`);
}

const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const name of namesOf(pointer)) value = (value as Document | undefined)?.[name];
  return value;
}

function put(document: Document, pointer: string, value: unknown): void {
  const names = namesOf(pointer);
  const last = names.pop();
  const holder = at(document, names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
  if (last === undefined || typeof holder !== 'object' || holder === null)
    throw new CommandError(`there is no setting ${pointer}`);
  (holder as Document)[last] = value;
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

async function log({ client, options, print }: Call): Promise<void> {
  interface Line {
    sequence: number;
    time: string;
    level: string;
    part: string;
    message: string;
    fields: Document;
  }
  const say = (line: Line) =>
    print(
      options.json
        ? JSON.stringify(line)
        : `${line.time} ${line.level} ${line.part}: ${line.message} ${JSON.stringify(line.fields)}`,
    );
  const lines = await client.demand<Line[]>('GET', '/logs?limit=100');
  for (const line of lines.toSorted((one, other) => one.sequence - other.sequence)) say(line);
  if (!options.follow) return;
  const stream = await client.open('GET', '/events?topics=log');
  const reader = createInterface({ input: stream });
  reader.on('line', (line) => {
    if (line.startsWith('data: {"sequence"')) say(JSON.parse(line.slice('data: '.length)) as Line);
  });
  await once(stream, 'close');
}

async function text(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandError(`${file} cannot be read: ${error.message}`);
  });
}

function parsed(content: string, file: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw new CommandError(`${file} is not JSON`);
  }
}

async function passphrase(options: Options): Promise<string> {
  const file = options['passphrase-file'];
  return file === undefined ? asked('passphrase: ', true) : (await text(file)).replace(/\r?\n$/, '');
}

async function confirmed({ yes }: Options, what: string): Promise<void> {
  if (yes) return;
  if ((await asked(`${what}. Go on? (yes/no) `, false)) !== 'yes') throw new CommandError('nothing was changed');
}

/** What is typed is not shown where it is secret. */
async function asked(question: string, isSecret: boolean): Promise<string> {
  if (!process.stdin.isTTY) throw new CommandError('this asks at a terminal; give --yes, or --passphrase-file');
  process.stderr.write(question);
  if (isSecret) process.stdin.setRawMode(true);
  try {
    let answer = '';
    for await (const chunk of process.stdin) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return answer;
        if (character === '\u0003') throw new CommandError('nothing was changed');
        answer = character === '\u007f' ? answer.slice(0, -1) : answer + character;
      }
    }
    return answer;
  } finally {
    if (isSecret) process.stdin.setRawMode(false);
    process.stderr.write('\n');
    process.stdin.unref();
  }
}
