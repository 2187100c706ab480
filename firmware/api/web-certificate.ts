/**
 * The certificate that the box shows to browsers: made when there is none, or set by an administrator. Must not listen.
 */
import type { OperatingProblem } from '../control/view.js';
import { isHostName } from '../settings.js';
import type { Store } from '../store/store.js';
import { type CertificateInfo, certificateInfo, type TlsIdentity } from './certificate-text.js';
import type { Listeners } from './listeners.js';

/** Makes a certificate that nobody has signed but itself; gives why it cannot instead. Both texts are PEM. */
export type MakeCertificate = (
  dnsNames: readonly string[],
  addresses: readonly string[],
) => Promise<{ certificate: string; key: string } | { message: string; advice: string }>;

const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

export class WebCertificate {
  readonly #store: Store;
  readonly #listeners: Listeners;
  readonly #make: MakeCertificate;
  #info: CertificateInfo | undefined;
  #problem: OperatingProblem | undefined;

  constructor(store: Store, listeners: Listeners, make: MakeCertificate) {
    this.#store = store;
    this.#listeners = listeners;
    this.#make = make;
    const stored = store.certificates.read();
    if (stored !== undefined) this.#use(stored);
  }

  /** Undefined as long as none could be made. */
  get info(): CertificateInfo | undefined {
    return this.#info;
  }

  /** Why there is none. */
  get problems(): OperatingProblem[] {
    return this.#problem ? [this.#problem] : [];
  }

  set(identity: TlsIdentity, who: string): void {
    this.#store.certificates.write(identity, who, 'put');
    this.#use(identity);
  }

  /** Makes a new one for the box's names and these addresses, in place of that before. When it cannot, that stays. */
  async renew(addresses: readonly string[], who: string): Promise<OperatingProblem[]> {
    const made = await this.#make(this.#ownNames(), [...addresses, ...LOOPBACK_ADDRESSES]);
    if ('message' in made) {
      const problem = { what: `a certificate for https cannot be made: ${made.message}`, advice: made.advice };
      if (this.#info === undefined) this.#problem = problem;
      return [problem];
    }
    const identity = { chain: made.certificate, key: made.key };
    this.#store.certificates.write(identity, who, this.#info === undefined ? 'put' : 'delete');
    this.#use(identity);
    return [];
  }

  /** By which the box may be called, in lower case. */
  names(): Set<string> {
    const { hostName } = this.#store.documents.settings().system;
    return new Set([hostName, `${hostName}.local`, ...(this.#info?.names ?? [])].map((name) => name.toLowerCase()));
  }

  /** Host names for L2TP take more than DNS does. */
  #ownNames(): string[] {
    const { hostName } = this.#store.documents.settings().system;
    const names = isHostName(hostName) ? [hostName, `${hostName}.local`] : [];
    return [...new Set([...names, 'tunnelwerk', 'localhost'])];
  }

  #use(identity: TlsIdentity): void {
    this.#listeners.useIdentity(identity);
    this.#info = certificateInfo(identity.chain);
    this.#problem = undefined;
  }
}
