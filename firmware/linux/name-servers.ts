/** Keeps the addresses of name servers where the resolver reads them (resolv.conf(5)). Must not choose them. */
import { writeFile } from 'node:fs/promises';

/** Gives why it cannot, or ''. The file is written where it is: its folder is another user's. */
export async function writeNameServers(path: string, addresses: readonly string[]): Promise<string> {
  const text = addresses.map((address) => `nameserver ${address}\n`).join('');
  return writeFile(path, text).then(
    () => '',
    (error: Error) => error.message,
  );
}
