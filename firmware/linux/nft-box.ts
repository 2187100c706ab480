/**
 * The box's own rules in the kernel's filter: who does not reach its web page, and whose source address is changed on the
 * way out (NAT). A table of our own, made anew as a whole when something of it changes; what others have put into nf_tables
 * stays untouched.
 *
 *   table inet tunnelwerk_box
 *     guard     new connections to the page's ports from elsewhere than the LAN are dropped, whatever address of the box
 *               they are for
 *     nat       what comes from users and leaves by these interfaces gets their own IPv4 address
 */
import { adviceOnNft, runNft } from './nft-program.js';

const TABLE = 'inet tunnelwerk_box';

/** As in control/network.ts. */
export interface BoxRules {
  readonly guard: { readonly ports: readonly number[]; readonly from: readonly string[] };
  readonly masquerade: { readonly from: readonly string[]; readonly out: readonly string[] };
}

interface BoxProblem {
  line: string;
  message: string;
  advice: string;
}

export class NftBox {
  /** What holds, as it was given to nft(8); undefined where that is not known. */
  #applied: string | undefined;
  /** A box that has never had a rule needs no nft(8). */
  #wasWanted = false;

  /** Makes these rules hold, and no others. Gives what nft(8) refused; that is tried again by the next call. */
  async reach(rules: BoxRules): Promise<BoxProblem[]> {
    const wanted = boxTable(rules);
    if (wanted !== NO_TABLE) this.#wasWanted = true;
    if (wanted === this.#applied) return [];
    const message = await runNft(wanted);
    const isTold = message !== undefined && this.#wasWanted;
    this.#applied = isTold ? undefined : wanted;
    return isTold ? [{ line: 'nft -f -', message, advice: adviceOnNft(message) }] : [];
  }
}

// A table can only be deleted that is there.
const NO_TABLE = `add table ${TABLE}\ndelete table ${TABLE}\n`;

/** For nft(8): the table as a whole, in place of one that is there. */
export function boxTable({ guard, masquerade }: BoxRules): string {
  const chains: string[] = [];
  if (guard.ports.length > 0) {
    chains.push(
      'chain guard { type filter hook input priority filter - 5; policy accept;',
      `  iifname != ${names(['lo', ...guard.from])} tcp dport { ${guard.ports.join(', ')} } ct state new counter drop`,
      '}',
    );
  }
  if (masquerade.from.length > 0 && masquerade.out.length > 0) {
    chains.push(
      'chain nat { type nat hook postrouting priority srcnat; policy accept;',
      `  meta nfproto ipv4 iifname ${names(masquerade.from)} oifname ${names(masquerade.out)} counter masquerade`,
      '}',
    );
  }
  return chains.length === 0 ? NO_TABLE : `${NO_TABLE}table ${TABLE} {\n${chains.join('\n')}\n}\n`;
}

const names = (links: readonly string[]): string => `{ ${links.map((link) => `"${link}"`).join(', ')} }`;
