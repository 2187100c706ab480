/**
 * Answers the roles' questions: by RADIUS where there is a server, else from the box's own users; by the LAC's rules;
 * from the pools. Must not wait itself: an answer that takes its time comes by the same way later.
 */

import { NO_AUTHORIZATION } from '../roles/authorization.js';
import type { Answer, CallInfo, Question } from '../roles/role.js';
import type { Store } from '../store/store.js';
import type { AddressPools } from './address-pool.js';
import { dialledAddress } from './dialled-address.js';
import { authenticateLocally } from './local-aaa.js';
import { authorizationOf, ruleFor, tunnelChoices } from './local-authorization.js';
import { decideLogin } from './login-policy.js';
import { decideTunnel } from './tunnel-policy.js';

type AuthenticateQuestion = Extract<Question, { type: 'authenticate' }>;
type AuthenticateAnswer = Extract<Answer, { type: 'authenticate' }>;

/** Somebody who knows users, and may take a while to say so. */
export interface Authenticator {
  /** Calls `give` once. */
  authenticate(question: AuthenticateQuestion, give: (answer: AuthenticateAnswer) => void): void;
}

export interface AnswersDependencies {
  store: Store;
  pools: AddressPools;
  /** RADIUS; undefined: the box's own users. */
  radius(): Authenticator | undefined;
  /** A host name's first address. Rejects with the resolver's reason. */
  resolve(host: string): Promise<string>;
  /** All calls, up or not. */
  calls(): Iterable<CallInfo>;
  /** For a call whose place another of its user takes: it is gone at once. */
  clearCall(callId: number, reason: string): void;
}

export class Answers {
  readonly #dependencies: AnswersDependencies;

  constructor(dependencies: AnswersDependencies) {
    this.#dependencies = dependencies;
  }

  /** Calls `give` once: at once, unless RADIUS or the resolver is asked. */
  answer(question: Question, give: (answer: Answer) => void): void {
    const { questionId } = question;
    switch (question.type) {
      case 'resolve':
        this.#resolve(question, give);
        return;
      case 'authorize-tunnel': {
        const settings = this.#dependencies.store.documents.settings();
        const decision = decideTunnel(settings, question.path.peerAddress, question.peerHostName);
        give({ type: 'authorize-tunnel', questionId, ...decision });
        return;
      }
      case 'authenticate':
        this.#authenticate(question, give);
        return;
      case 'lease':
        give(this.#lease(question));
    }
  }

  #resolve({ questionId, host }: Extract<Question, { type: 'resolve' }>, give: (answer: Answer) => void): void {
    const tell = (found: string | undefined, error: string) => {
      const address = found === undefined ? undefined : dialledAddress(found);
      const reason = found !== undefined && address === undefined ? `${found} cannot be dialled` : error;
      give({ type: 'resolve', questionId, address, reason });
    };
    this.#dependencies.resolve(host).then(
      (address) => tell(address, ''),
      (error: Error) => tell(undefined, error.message),
    );
  }

  #authenticate(question: AuthenticateQuestion, give: (answer: AuthenticateAnswer) => void): void {
    const { call, userName, questionId } = question;
    const { lac } = this.#dependencies.store.documents.settings();
    const rule = call.role === 'lac' ? ruleFor(lac, userName, call.pppoe?.interfaceName ?? '') : undefined;
    switch (rule?.action) {
      case 'refuse': {
        const answer = { accepted: false, message: 'no calls of this kind' };
        give({ type: 'authenticate', questionId, answer, authorization: undefined, by: 'settings' });
        return;
      }
      case 'tunnel': {
        // Who the user is, the LNS finds out.
        const authorization = { ...NO_AUTHORIZATION, tunnels: tunnelChoices(lac, rule.group ?? '') };
        // Without an LNS the call would end here, and nobody has looked at a password.
        const accepted = authorization.tunnels.length > 0;
        give({ type: 'authenticate', questionId, answer: { accepted }, authorization, by: 'settings' });
        return;
      }
      case 'local':
        this.#identify(question, (answer) => give(endedHere(question, answer)));
        return;
      default:
        this.#identify(question, give);
    }
  }

  #identify(question: AuthenticateQuestion, give: (answer: AuthenticateAnswer) => void): void {
    const radius = this.#dependencies.radius();
    if (radius !== undefined) {
      radius.authenticate(question, give);
      return;
    }
    const { documents } = this.#dependencies.store;
    const user = documents.user(question.userName);
    const answer = authenticateLocally(question.request, user?.enabled ? user.password : undefined);
    const isAccepted = answer.accepted && user !== undefined;
    const authorization = isAccepted ? authorizationOf(user, documents.settings().lac) : undefined;
    give({ type: 'authenticate', questionId: question.questionId, answer, authorization, by: 'own-users' });
  }

  /**
   * What becomes of an answer at the moment when the role hears it: a user who has proved who it is may have too many calls
   * by then, and of two that are answered together the second sees the first. A call that is carried to an LNS is the LNS's
   * to judge, and one that is gone takes nobody's place.
   */
  admitted(question: Question, answer: Answer): Answer {
    if (question.type !== 'authenticate' || answer.type !== 'authenticate') return answer;
    const { call, userName, callId } = question;
    const { authorization } = answer;
    if (!answer.answer.accepted || authorization === undefined) return answer;
    if (call.role === 'lac' && authorization.tunnels.length > 0) return answer;
    const { store, calls, clearCall } = this.#dependencies;
    const decision = decideLogin(store.documents.settings().lns, { callId, userName, authorization }, calls());
    if (!decision.accepted) {
      return { ...answer, answer: { accepted: false, message: decision.reason }, authorization: undefined };
    }
    if (decision.replaces.length > 0 && [...calls()].some((one) => one.callId === callId)) {
      for (const older of decision.replaces) clearCall(older.callId, 'the user has called again');
    }
    return answer;
  }

  /** A fixed address that an older call still holds: most often that call is dead and nobody has noticed yet. */
  #lease({ questionId, callId, userName, authorization }: Extract<Question, { type: 'lease' }>): Answer {
    const { pools, clearCall } = this.#dependencies;
    let answer = pools.lease(callId, userName, authorization);
    if (!answer.granted && answer.holder !== undefined) {
      clearCall(answer.holder, 'the user has called again');
      pools.release(answer.holder);
      answer = pools.lease(callId, userName, authorization);
    }
    if (!answer.granted) return { type: 'lease', questionId, granted: false, reason: answer.reason };
    const lease = { address: answer.address, routes: authorization.routes };
    return { type: 'lease', questionId, granted: true, lease };
  }
}

/** Without tunnels. One who gets in for those alone has not proved by MS-CHAPv2 who it is, and nor have we. */
function endedHere({ request }: AuthenticateQuestion, answer: AuthenticateAnswer): AuthenticateAnswer {
  const { authorization } = answer;
  if (!answer.answer.accepted || authorization === undefined) return answer;
  if (request.protocol === 'mschapv2' && answer.answer.authenticatorResponse === undefined) {
    return { ...answer, answer: { accepted: false, message: 'Authentication failed' }, authorization: undefined };
  }
  return { ...answer, authorization: { ...authorization, tunnels: [] } };
}
