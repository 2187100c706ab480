/**
 * Users' filters in the kernel: what is wanted against what was applied goes through one nft(8), never one process for
 * each user. Must not decide who is filtered, and must not touch what others have put into nf_tables.
 */
import { adviceOnNft, runNft } from './nft-program.js';
import { type DesiredFilter, emitChanges, emitTable, type FilterTable, isEmpty, tableOf } from './nft-script.js';

interface FilterProblem {
  line: string;
  message: string;
  advice: string;
  isOfFilters: true;
}

export class NftFilters {
  /** What holds; undefined where that is not known: a process that was killed may have left anything. */
  #applied: FilterTable | undefined;
  /** Whether there was ever anything of ours: on a box without filters nobody needs nft(8). */
  #wasWanted = false;

  /** Makes these filters hold, and no others. Gives what nft(8) refused; that is tried again by the next call. */
  async reach(filters: readonly DesiredFilter[]): Promise<FilterProblem[]> {
    const wanted = tableOf(filters);
    if (!isEmpty(wanted)) this.#wasWanted = true;
    const message = await this.#change(wanted);
    const isTold = message !== undefined && this.#wasWanted;
    this.#applied = isTold ? undefined : wanted;
    return isTold ? [{ line: 'nft -f -', message, advice: adviceOnNft(message), isOfFilters: true }] : [];
  }

  async #change(wanted: FilterTable): Promise<string | undefined> {
    const applied = this.#applied;
    if (applied === undefined || isEmpty(applied) !== isEmpty(wanted)) return runNft(emitTable(wanted));
    const changes = emitChanges(applied, wanted);
    if (changes === '') return undefined;
    // What others do to all of nf_tables (`nft flush ruleset`, a firewall that is loaded anew) takes our table with it.
    return (await runNft(changes)) === undefined ? undefined : runNft(emitTable(wanted));
  }
}
