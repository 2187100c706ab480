/** Runs nft(8): a script is one transaction, of which all holds or nothing. Must not decide what is in it. */
import { messageOf, runProgram } from './program.js';

/** Gives what nft(8) said against the script, or undefined: it holds. */
export async function runNft(script: string): Promise<string | undefined> {
  const end = await runProgram('nft', ['-f', '-'], script);
  if ('error' in end) return end.error;
  return end.status === 0 ? undefined : firstComplaint(messageOf(end));
}

/** nft(8) writes a line for each thing that is wrong, each with the place in the script, and the line of the script. */
function firstComplaint(words: string): string {
  return words.split('\n', 1)[0].replace(/^\S+:\d+:\d+-\d+: Error: /, '');
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ENOENT/, 'install the package nftables; until then users are not filtered'],
  [/Operation not permitted|EPERM|EACCES/, 'run as root, or with the capability CAP_NET_ADMIN'],
  [
    /not supported|Unable to initialize/i,
    'the kernel has no nf_tables, or not for the family inet; take one with CONFIG_NF_TABLES_INET',
  ],
];

/** What a person can do about what nft(8) says. */
export function adviceOnNft(message: string): string {
  return ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? 'look at `nft list ruleset` for what is in the way';
}
