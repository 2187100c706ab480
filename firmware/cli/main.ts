#!/usr/bin/env node
/** The command `tunnelwerk`: reads the command line, runs one command on the API, and says by its status how that went. */
import { parseArgs } from 'node:util';
import { Client, CommandError, UsageError } from './client.js';
import { COMMANDS, type Options } from './commands.js';

const SOCKET = '/run/tunnelwerk/api.sock';
const [REFUSED, WRONG_USAGE] = [1, 2];

const OPTIONS = {
  socket: { type: 'string', default: SOCKET },
  url: { type: 'string' },
  'token-file': { type: 'string' },
  fingerprint: { type: 'string' },
  json: { type: 'boolean', default: false },
  failed: { type: 'boolean', default: false },
  fields: { type: 'boolean', default: false },
  follow: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  older: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  join: { type: 'string', default: 'auto' },
  user: { type: 'string' },
  session: { type: 'string' },
  tunnel: { type: 'string' },
  output: { type: 'string' },
  'passphrase-file': { type: 'string' },
} as const;

function help(): string {
  const width = Math.max(...Object.values(COMMANDS).map(({ usage }) => Math.min(36, usage.length)));
  const lines = Object.values(COMMANDS).map(({ usage, what }) =>
    usage.length > width ? `  ${usage}\n  ${' '.repeat(width)}  ${what}` : `  ${usage.padEnd(width)}  ${what}`,
  );
  return `usage: tunnelwerk [--socket PATH | --url https://BOX [--fingerprint SHA256] [--token-file FILE]] [--json] COMMAND

${lines.join('\n')}

On the box it speaks by the socket (${SOCKET}). Over the network it needs an API token, from the file or from
TUNNELWERK_TOKEN.`;
}

async function run(): Promise<void> {
  const { values, positionals } = parse();
  const [name = '', ...args] = positionals;
  if (values.help || name === 'help' || name === '') {
    process.stdout.write(`${help()}\n`);
    if (name === '' && !values.help) process.exitCode = WRONG_USAGE;
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`there is no command ${name}; tunnelwerk help names them`);
  const [least, most] = command.takes;
  if (args.length < least || args.length > most) throw new UsageError(`usage: tunnelwerk ${command.usage}`);
  const { socket, url, fingerprint } = values;
  if (url !== undefined && !URL.canParse(url))
    throw new UsageError(`${url} is no address, as in https://192.168.115.1`);
  const client = new Client({ socket, url, fingerprint, tokenFile: values['token-file'] });
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  await command.run({ client, args, options: values as unknown as Options, print });
}

function parse() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

// A reader that has seen enough, as `head` has, ends the command.
process.stdout.on('error', () => process.exit(0));
run().catch((error: Error) => {
  const isUsage = error instanceof UsageError;
  if (!isUsage && !(error instanceof CommandError)) throw error;
  process.stderr.write(`tunnelwerk: ${error.message}\n`);
  process.exitCode = isUsage ? WRONG_USAGE : REFUSED;
});
